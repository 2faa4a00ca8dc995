"""What an audit says of a project just before parts of it left, held against what left.

    make bench ARGS="audit-history ipython=PATH netbox=PATH nova=PATH django=PATH"

PATH is a clone with its history, for Django 1.4 the unpacked source archive. Each is copied to a temporary folder at
the commit before the extraction; the clone itself is not touched, files that a partial clone lacks are passed over.

    agreement     adjusted mutual information between parts and the repositories that modules went to; beside it that
                  of plain directories (the first package below the root). A part is a unit, or units offered as one
    ranking       chance that a unit most of whose code left is more isolated than one that stayed (area under the
                  curve), or the place of what left among the candidates

Only IPython and NetBox were looked at while the rules were made; Nova and Django are held out.

The truth for IPython: every module's lines (longer than 12 characters, no imports) were compared with every file of the
repositories nbconvert, nbformat, notebook, ipyparallel, ipykernel, qtconsole, jupyter_client, traitlets, ipywidgets and
jupyter_console as of 15 June 2015, and of IPython itself then; a module with four such lines went where at least half
of them are found, most of all. `IPYTHON` is that in prefixes, the longest counts; modules without lines follow them.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.pricing.order import is_a_part
from calve.audit.structure.agreement import agreement
from calve.audit.structure.graph import isolation

from .common import Result, result

STAYED = "stayed"
IPYTHON = {
    "IPython": STAYED,
    "IPython.config": "traitlets",
    "IPython.config.profile": STAYED,
    "IPython.consoleapp": "jupyter_client",
    "IPython.html": "notebook",
    "IPython.html.services.clusters": "ipyparallel",
    "IPython.html.widgets": "ipywidgets",
    "IPython.kernel": "jupyter_client",
    "IPython.kernel.comm": "ipykernel",
    "IPython.kernel.inprocess": "ipykernel",
    "IPython.kernel.zmq": "ipykernel",
    "IPython.kernel.zmq.session": "jupyter_client",
    "IPython.nbconvert": "nbconvert",
    "IPython.nbformat": "nbformat",
    "IPython.parallel": "ipyparallel",
    "IPython.qt": "qtconsole",
    "IPython.terminal.console": "jupyter_console",
}
COMMITS = {"ipython": "849943d9a^", "netbox": "744792452^", "nova": "70a2879b2c^", "nova-volume": "7e2b93acc5^"}
LEFT = {
    "netbox": ("secrets",),
    "nova": ("nova.api.openstack.placement",),
    "nova-volume": ("nova.volume", "nova.api.openstack.volume"),
    "django": ("comments", "databrowse", "formtools", "localflavor", "webdesign"),
}


def run(paths: Mapping[str, Path]) -> list[Result]:
    """Evaluate every project that a path is given for."""
    found = []
    if "nova" in paths:
        paths = {**paths, "nova-volume": paths["nova"]}
    for name in sorted(paths):
        with tempfile.TemporaryDirectory() as folder:
            root = paths[name] if name == "django" else _at(paths[name], COMMITS[name], Path(folder) / name)
            findings = audit(root, AuditOptions(cache=False))
        found += list(_ipython(findings) if name == "ipython" else _ranking(name, findings))
    return found


def _at(clone: Path, commit: str, folder: Path) -> Path:
    """The project as it was, in a folder of its own."""
    subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(clone), str(folder)], check=True)
    subprocess.run(["git", "checkout", "-q", "-f", commit], cwd=folder, check=False, stderr=subprocess.DEVNULL)
    return folder


def _ipython(found: Findings) -> Iterator[Result]:
    truth = {module: _prefix(module) for module in found.graph.of if module.startswith("IPython")}
    left = {module: target for module, target in truth.items() if target != STAYED}
    part = {unit: candidate.name for candidate in found.candidates for unit in candidate.units}
    parts = {module: part.get(unit, unit) for module, unit in found.graph.of.items()}
    directories = {module: ".".join(module.split(".")[:2]) for module in truth}
    separable = {c.name for c in found.candidates if c.bill.isolation <= 0.6}
    rest = {module: name if name in separable else STAYED for module, name in parts.items()}
    repositories = len(set(left.values()))
    for claim, division, repository, aim in (
        (f"IPython 2015: modules that left, parts against {repositories} repositories", parts, left, ">= 0.88"),
        ("IPython 2015: all modules, separable parts and the rest against repositories", rest, truth, ""),
    ):
        peers = {"parts": agreement(division, repository), "directories": agreement(directories, repository)}
        yield result(claim, peers["parts"], "AMI", aim, peers)
    went = Counter[tuple[str, bool]]()
    for module, target in truth.items():
        went[found.graph.of[module], target != STAYED] += found.modules.facts[module].code_lines
    gone = {unit for unit in found.graph.units if went[unit, True] > went[unit, False]}
    value, figures = _curve(found, gone)
    yield result("IPython 2015: units that left against those that stayed", value, "AUC", ">= 0.95", figures)


def _prefix(module: str) -> str:
    return IPYTHON[max((p for p in IPYTHON if module == p or module.startswith(p + ".")), key=len)]


def _ranking(name: str, found: Findings) -> Iterator[Result]:
    def is_left(unit: str) -> bool:
        return unit in LEFT[name] or (name == "django" and unit.rpartition(".")[2] in LEFT[name])

    title = {"netbox": "NetBox 2021", "nova": "Nova 2019", "nova-volume": "Nova 2012", "django": "Django 1.4"}[name]
    gone = {unit for unit in found.graph.units if is_left(unit)}
    if name in ("django", "nova-volume"):
        value, peers = _curve(found, gone)
        yield result(f"{title}: units that left against those that stayed", value, "AUC", "", peers)
        return
    names = [candidate.name for candidate in found.candidates]
    place = next((n for n, unit in enumerate(names, 1) if unit in gone), len(names) + 1)
    peers = {c.name: c.bill.isolation for c in found.candidates[:3]} | {"candidates": len(names)}
    yield result(f"{title}: place of `{LEFT[name][0]}`", place, "rank", "<= 2" if name == "netbox" else "", peers)


def _curve(found: Findings, gone: set[str]) -> tuple[float, dict[str, float]]:
    """Area under the curve of isolation, over the units that could be offered; kernel and loose modules left out."""
    units = found.graph.units
    loose = {unit for unit in units if sum(other.startswith(unit + ".") for other in units) > len(units) / 2}
    share: dict[str, float] = {}
    for unit, about in units.items():
        option = frozenset({unit})
        crossing, total = isolation(found.graph, option)
        if is_a_part(found.graph, option, about.lines) and unit not in {*found.graph.kernel, *loose}:
            share[unit] = crossing / total
    left = [share[unit] for unit in share if unit in gone]
    stayed = [share[unit] for unit in share if unit not in gone]
    wins = sum((a < b) + 0.5 * (a == b) for a in left for b in stayed)
    peers = {"left": float(len(left)), "stayed": float(len(stayed)), "highest that left": max(left, default=1.0)}
    return wins / (len(left) * len(stayed)) if left and stayed else 0.0, peers
