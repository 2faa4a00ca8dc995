"""Small projects on disk, to be ejected from."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from calve.boundaries import Application
from calve.eject import Ejected, eject
from calve.eject.closure import Closure, closure
from calve.runtime import AppConfig, load_config


def contract(
    name: str, body: str = "@query(http='GET /work')\nasync def work(self) -> int: ...", head: str = ""
) -> str:
    """A contract module."""
    return (
        "from typing import Protocol\nfrom calve import Contract, DomainError, Message, command, query\n"
        f'{head}\nclass {name}(Contract, Protocol, version="1.0"):\n{textwrap.indent(textwrap.dedent(body), "    ")}\n'
    )


class Project:
    """A project in a folder.

    Args:
        root: Where.
        files: Path -> text.
        toml: More of calve.toml.
    """

    def __init__(self, root: Path, files: Mapping[str, str], toml: str) -> None:
        self.root = root
        services = sorted({f"{p.split('/')[0]}.{p.split('/')[1]}" for p in files if p.endswith("/contract.py")})
        services += [p.removesuffix(".py") for p in files if "/" not in p]
        listed = ", ".join(f'"{service}"' for service in services)
        for path, text in {**files, "calve.toml": f'[app]\nname = "town"\nservices = [{listed}]\n{toml}'}.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    @property
    def config(self) -> AppConfig:
        """calve.toml, without the machine's environment."""
        return load_config(self.root / "calve.toml", environ={})

    def closure(self, service: str) -> Closure:
        """What goes along with a service."""
        return closure(Application(self.config), service)

    def eject(self, service: str) -> Ejected:
        """Eject a service; its modules are imported for that, and forgotten again."""
        known = set(sys.modules)
        sys.path.insert(0, str(self.root))
        try:
            return eject(self.config, service)
        finally:
            sys.path.remove(str(self.root))
            for name in set(sys.modules) - known:
                if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(self.root)):
                    del sys.modules[name]


MakeProject = Callable[..., Project]
