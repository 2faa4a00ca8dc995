"""What the files of an ejected project are made of: facts of the service, found once, and the settings they ask for."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from ..contract import ContractInfo
from ..core.settings import Settings
from ..service.injection import constructor_parameters
from ..service.loading import LoadedService
from ..store import Store
from .base import Package


class Neighbour(NamedTuple):
    """A service that the ejected one calls."""

    service: str
    info: ContractInfo
    internal: tuple[str, ...]
    """Operations of it that are called and that Calve does not show on REST."""
    url: str | None = None
    """Where it is, if calve.toml says so: somebody else's HTTP service."""


class Facts(NamedTuple):
    """What the files are made of."""

    loaded: LoadedService
    version: str
    """Of the project."""
    dialect: str
    store_url: str
    """As calve.toml has it, without a password."""
    schema: str
    """Folder of the schema files, relative to the new project; '' when there is none."""
    given: dict[str, Any]
    """Settings of the service that calve.toml has, by field."""
    neighbours: tuple[Neighbour, ...]
    libraries: tuple[str, ...]
    tops: tuple[str, ...]
    """Top packages and modules that go along."""
    internal: tuple[str, ...]
    """Operations of the service itself that Calve does not show on REST."""
    notes: tuple[str, ...]
    names: Package

    @property
    def name(self) -> str:
        """Of the service."""
        return self.loaded.name

    @property
    def wanted(self) -> dict[str, Any]:
        """Parameters of the constructor, with their types."""
        assert self.loaded.implementation is not None
        return constructor_parameters(self.loaded.implementation)

    @property
    def has_store(self) -> bool:
        """Whether the service asks for its database."""
        return Store in self.wanted.values()

    @property
    def has_token(self) -> bool:
        """Whether the service, or one that it calls, has operations that Calve does not show on REST."""
        return bool(self.internal) or any(neighbour.internal for neighbour in self.neighbours)

    @property
    def settings(self) -> list[type[Settings]]:
        """Classes of settings that the service asks for."""
        return [kind for kind in self.wanted.values() if isinstance(kind, type) and issubclass(kind, Settings)]

    def given_to(self, kind: type[Settings]) -> dict[str, Any]:
        """What calve.toml has for a class of settings, secrets left out."""
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        return {n: value for n, value in self.given.items() if n in fields and "Secret" not in str(fields[n])}


class Variable(NamedTuple):
    """A setting of the process."""

    name: str
    kind: str
    default: str | None
    """As source; None when it has to be set."""
    what: str


def identifier(service: str) -> str:
    """The name of a service as a part of names in Python and in the environment."""
    return service.replace("-", "_").lower()


def variables(facts: Facts) -> list[Variable]:
    """Settings of the process, those without a default first."""
    found = [
        Variable(f"{identifier(n.service)}_url", "str", None, f"address of {n.service}")
        for n in facts.neighbours
        if n.url is None
    ]
    for n in facts.neighbours:
        if n.url is not None:
            name, what = identifier(n.service), f"bearer token for {n.service}, if it asks for one"
            found.append(Variable(f"{name}_url", "str", json.dumps(n.url), f"address of {n.service}"))
            found.append(Variable(f"{name}_token", "Secret | None", "None", what))
    if facts.has_store:
        what = "the database" if facts.dialect == "postgres" else "the database; a path from where the process starts"
        found.append(Variable("database_url", "str", json.dumps(facts.store_url), what))
        if facts.dialect == "postgres":
            what = "of the role, if the server asks for it"
            found.append(Variable("database_password", "Secret | None", "None", what))
    found += [
        Variable("host", "str", '"127.0.0.1"', "address to listen on"),
        Variable("port", "int", "8000", "port to listen on"),
        Variable("log_level", "str", '"info"', "debug, info, warning or error"),
    ]
    if facts.has_token:
        what = "what services show each other for operations under /internal; without it, these are not served"
        found.append(Variable("internal_token", "Secret | None", "None", what))
    return found
