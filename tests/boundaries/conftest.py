"""Small projects on disk, to be read and never imported."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from calve.boundaries import Application, Report, Violation, check
from calve.boundaries.calls import CallGraph, call_graph
from calve.runtime import AppConfig, load_config


class Project:
    """A project in a folder.

    Args:
        root: Where.
        files: Path -> text, indented as it may be.
        toml: More of calve.toml.
    """

    def __init__(self, root: Path, files: Mapping[str, str], services: Sequence[str], toml: str) -> None:
        self.root = root
        for path, text in files.items():
            self.write(path, text)
        listed = ", ".join(f'"{service}"' for service in services)
        self.write("calve.toml", f'[app]\nname = "town"\nservices = [{listed}]\n{toml}')

    def write(self, path: str, text: str) -> None:
        """Write one file; instead of what is there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    @property
    def config(self) -> AppConfig:
        """calve.toml as it is now, without the machine's environment."""
        return load_config(self.root / "calve.toml", environ={})

    @property
    def application(self) -> Application:
        """The project as it is now, parsed."""
        return Application(self.config)

    @property
    def graph(self) -> CallGraph:
        """Who calls whom."""
        return call_graph(self.application)

    def calls(self) -> list[str]:
        """Every call, as `bank.pay -> rates.today bank/service.py:9`."""
        return [f"{s.caller} -> {s.callee} {s.place.shown(self.root)}" for s in self.graph.calls]

    def check(self, *, strict: bool = False) -> Report:
        """Check it."""
        return check(self.config, strict=strict)

    def found(self, violations: Sequence[Violation] | None = None) -> list[str]:
        """Each violation as `import a -> b at file:line`."""
        violations = self.check().violations if violations is None else violations
        return [f"{v.rule} {v.what} at {v.place.shown(self.root)}" for v in violations]


MakeProject = Callable[..., Project]


def contract(name: str, *operations: str, more: str = "") -> str:
    """A contract module with operations without parameters."""
    methods = "".join(f"\n    @command()\n    async def {o}(self) -> None: ...\n" for o in operations or ("work",))
    return (
        "from typing import Protocol\nfrom calve import Contract, Message, command, query\n"
        f'{more}\nclass {name}(Contract, Protocol, version="1.0"):\n{methods}'
    )


def service(name: str, needs: Mapping[str, str] | None = None, body: str = "", *, head: str = "") -> str:
    """A service module: `needs` maps parameters to contracts, which lie in a sister package of the same lower case."""
    needs = needs or {}
    imports = "".join(f"from ..{kind.lower()}.contract import {kind}\n" for kind in needs.values())
    parameters = "".join(f", {name}: {kind}" for name, kind in needs.items())
    assigned = "".join(f"\n        self._{name} = {name}" for name in needs) or "\n        pass"
    methods = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return (
        f"from .contract import {name}\n{imports}{head}\nclass {name}Service({name}):\n"
        f"    def __init__(self{parameters}) -> None:{assigned}\n\n{methods}\n"
    )


WORK = "async def work(self) -> None: ...\n"


def package(name: str, needs: Mapping[str, str] | None = None, body: str = WORK, **options: str) -> dict[str, str]:
    """The files of one service `town.<name>`, its contract with the operation `work`."""
    folder = f"town/{name.lower()}"
    return {
        f"{folder}/__init__.py": "",
        f"{folder}/contract.py": contract(name),
        f"{folder}/service.py": service(name, needs, body, **options),
    }


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Make a project of packages `town.<service>`: those that have a contract are its services."""

    def make(*packages: Mapping[str, str], toml: str = "", **files: str) -> Project:
        every = {path: text for files_of in packages for path, text in files_of.items()}
        every = {"town/__init__.py": "", **every, **files}
        names = [path.split("/")[1] for path in every if path.endswith("/contract.py")]
        return Project(tmp_path, every, [f"town.{name}" for name in names], toml)

    return make
