"""`calve audit trace`: how it is called, and what the next audit makes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from audit_projects import write
from traced_projects import DJANGO

from calve.audit.report.document import TraceFacts, decode
from calve.audit.trace.file import DEFAULT_PATH, Span, Trace, write_trace
from calve.cli import main

SPANS = [
    Span("transaction", "shop/orders/services.py", 7, "place", (("write", "stock_items"),), 3),
    Span("request", "shop/urls.py", 0, "Orders", (("write", "stock_items"), ("write", "orders_order")), 1),
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop on Django, the current folder; what was read is kept for this test only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = write(tmp_path / "shop", DJANGO)
    monkeypatch.chdir(root)
    return root


def _facts(capfd: pytest.CaptureFixture[str], *arguments: str) -> TraceFacts | None:
    assert main(["audit", *arguments, "--json", "-"]) == 0
    document = decode(capfd.readouterr().out.encode())
    assert document.coverage.runtime == ("not run" if document.trace is None else "merged")
    return document.trace


def test_the_next_audit_finds_the_trace(
    shop: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")  # the path of the trace may be long
    assert _facts(capfd) is None
    trace = Trace(head="", processes=1, hooks=["django"], errors={}, spans=SPANS)
    write_trace(shop / DEFAULT_PATH, trace)
    facts = _facts(capfd)
    assert facts is not None
    assert (facts.transactions, facts.accesses, facts.requests) == ((1, 1), (0, 1), 1)
    assert [item.what for item in facts.missed] == ["place: writes shop.stock.models.Item"]
    assert [item.what for item in facts.unconfirmed] == ["place: writes shop.orders.models.Order"]
    assert [item.what for item in facts.requests_across] == ["Orders: writes tables of shop.orders, shop.stock"]
    assert main(["audit"]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert "the tests ran 1 transaction: the source shows 1 of them, and 0 of 1 reads and writes in them" in shown
    assert main(["audit", "--html", "-"]) == 0
    assert "Only seen at run time" in capfd.readouterr().out


def test_a_trace_can_be_elsewhere(shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = Trace(head="", processes=0, hooks=[], errors={}, spans=[])
    write_trace(shop / DEFAULT_PATH, msgspec.structs.replace(empty, spans=SPANS))
    write_trace(tmp_path / "other.json", empty)
    facts = _facts(capfd, "--trace", str(tmp_path / "other.json"))
    assert facts is not None
    assert facts.transactions == (0, 0)
    assert main(["audit", "--trace", "no.json"]) == 2
    assert "no.json: cannot be read" in capfd.readouterr().err


def test_options_of_the_command_are_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(5)", "--output", "-x", "--"]
    for arguments in (["--path", str(tmp_path), "--", *command], ["--path", str(tmp_path), *command]):
        assert main(["audit", "trace", *arguments]) == 5
        shown = capfd.readouterr()
        assert shown.out == "['--output', '-x', '--']\n"
        assert "neither Django nor SQLAlchemy ran" in shown.err


def test_a_command_is_needed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "trace", "--"]) == 2
    assert "Missing argument" in capfd.readouterr().err
    assert main(["audit", "trace", "--path", "nowhere", "--", "true"]) == 2
    assert "nowhere" in capfd.readouterr().err
