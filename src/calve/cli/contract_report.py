"""How findings about contracts are told, to people and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..contract.lock import Finding
from .contract_locks import Checked

_STATES = {
    "current": "as locked",
    "changed": "compatible with its lock, which is out of date",
    "breaking": "breaks what was promised",
    "declared": "breaks what was promised, and says so by its version",
    "unlocked": "has no lock",
    "removed": "is gone",
}
CALLING = ("callers", "callers by position")
"""For whom the services that consume a contract are named; who calls over REST is nobody's name."""


def as_data(checked: Sequence[Checked], consumers: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """One object per contract.

    [{"service": "wallet", "contract": "Wallet", "locked": "1.0", "version": "1.0", "asks": "2.0", "state": "breaking",
      "findings": [{"level": "breaking", "rule": "narrowed", "path": "Wallet.debit(cents)", "what": …, "who": "callers",
                    "fix": …, "operations": [], "consumers": ["orders"]}]}]
    """
    return [
        {
            "service": c.service,
            "contract": c.described.contract,
            "locked": c.old.version if c.old else None,
            "version": c.new.version if c.new else None,
            "asks": str(c.comparison.asks) if c.comparison else None,
            "state": c.state,
            "findings": [_finding(f, consumers.get(c.service, ())) for f in c.findings],
        }
        for c in checked
    ]


def _finding(finding: Finding, consumers: Sequence[str]) -> dict[str, Any]:
    names = ("level", "rule", "path", "what", "who", "fix")
    known = {name: getattr(finding, name) for name in names}
    return {**known, "operations": list(finding.operations), "consumers": _consumed_by(finding, consumers)}


def _consumed_by(finding: Finding, consumers: Sequence[str]) -> list[str]:
    concerned = finding.level == "breaking" and finding.who in CALLING
    return list(consumers) if concerned else []


def as_lines(checked: Checked, consumers: Sequence[str]) -> Iterator[str]:
    """One contract: a line for itself, one per compatible change, a few per break."""
    contract = checked.described
    yield f"{checked.service}: {contract.contract} {contract.version} {_STATES[checked.state]}"
    for finding in checked.findings:
        yield f"  {finding.level:8}  {finding.path} {finding.what}"
        if finding.level == "breaking":
            named = _consumed_by(finding, consumers)
            yield f"            breaks {finding.who}" + (f", here {', '.join(named)}" if named else "")
            if finding.operations:
                yield f"            in {', '.join(finding.operations)}"
            if finding.fix:
                yield f"            compatible: {finding.fix}"
    asks = _asks(checked)
    if asks:
        yield f"  {asks}"


def _asks(checked: Checked) -> str:
    """Which version the changes ask for, if the contract has not got it."""
    if checked.comparison is None or checked.new is None:
        return ""
    asks = checked.comparison.asks
    if checked.state == "breaking":
        return f'to break it all the same: version="{asks}"'
    have = tuple(map(int, checked.new.version.split(".")))
    return f'to tell it from {checked.new.version}: version="{asks}"' if have < asks else ""
