"""Database models: which classes they are, their tables, and how they relate.

A class is a model when one of its bases is, in the project or outside of it (`django.db.models.Model`, a declarative
base of SQLAlchemy, a class of another library that is called `...Model`). Fields of abstract models belong to every
model that inherits them; a relation is counted once, where it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from ..base import Confidence, Place
from ..reading.facts import Chain, Class, Field
from ..reading.vocabulary import RELATIONS
from .modules import Modules, Symbol

Framework = Literal["django", "sqlalchemy"]

_DJANGO_BASES = frozenset({"AbstractUser", "AbstractBaseUser", "PermissionsMixin", "Page", "Orderable"})
_SQLALCHEMY_BASES = frozenset(
    {"DeclarativeBase", "DeclarativeBaseNoMeta", "MappedAsDataclass", "SQLModel", "AsyncAttrs"}
)
_NO_MODELS = frozenset({"BaseModel", "RootModel", "GenericModel", "BaseRootModel"})
DJANGO_APPS = frozenset({"admin", "auth", "contenttypes", "sessions", "sites", "flatpages", "redirects"})
_MAKES_BASE = frozenset({"declarative_base", "automap_base", "SQLAlchemy"})
_ASSOCIATION = re.compile(r"(?:ForeignKey|sa\.ForeignKey|db\.ForeignKey)\('([\w.]+)")


class Relation(msgspec.Struct):
    """A reference from one model to another."""

    name: str
    """Of the attribute."""
    kind: Literal["foreign key", "one to one", "many to many", "generic", "relationship"]
    target: Symbol | None
    """The model; None when it is not the project's own (a table of Django's or of a library), or could not be told."""
    confidence: Confidence
    """`unresolved` when it could not be told."""
    said: str
    """How the target is written."""
    reverse: str
    """`related_name`, or ``."""
    place: Place
    nullable: bool = False


class Model(msgspec.Struct):
    """A class that stands for a table, or for a part of several (abstract)."""

    symbol: Symbol
    label: str
    """`app.Name` in Django, the table in SQLAlchemy."""
    table: str
    """`` for an abstract one."""
    framework: Framework
    abstract: bool
    place: Place
    bases: list[Symbol]
    """The models it inherits from, nearest first."""
    relations: list[Relation]


class Models:
    """All models of a project."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._classes = {Symbol(m, cls.name): cls for m, facts in modules.facts.items() for cls in facts.classes}
        self._kinds: dict[Symbol, Framework | None] = {}
        self._labels = dict(_app_labels(modules))
        self._module_binds = {
            m: {b.name: b.value for b in reversed(facts.binds)} for m, facts in modules.facts.items() if facts.binds
        }
        self.all: dict[Symbol, Model] = {}
        for symbol, cls in self._classes.items():
            kind = self._kind(symbol)
            if kind is not None:
                self.all[symbol] = self._model(symbol, cls, kind)
        self._add_tables()
        self.by_label: dict[str, Symbol] = {}
        self.by_table: dict[str, Symbol] = {}
        self._by_name: dict[str, list[Symbol]] = {}
        for symbol, model in self.all.items():
            self._by_name.setdefault(symbol.name.rpartition(".")[2], []).append(symbol)
            if not model.abstract:
                self.by_label.setdefault(model.label.lower(), symbol)
                self.by_table.setdefault(model.table.lower(), symbol)
        self._user = self._setting("AUTH_USER_MODEL")
        self.user = self.by_label.get(self._user.lower())
        """The user model, if it is the project's own."""
        for symbol, model in self.all.items():
            if symbol in self._classes:
                model.relations = list(self._relations(model, self._classes[symbol]))
        self._reverse = self._reverse_names()

    # Which classes are models -----------------------------------------------------------------------------------------

    def _kind(self, symbol: Symbol) -> Framework | None:
        if symbol in self._kinds:
            return self._kinds[symbol]
        self._kinds[symbol] = None  # for classes that inherit in a circle
        cls, kind = self._classes[symbol], None
        for base in cls.bases:
            found = self._modules.resolve(symbol.module, base)
            if isinstance(found, Symbol) and found in self._classes:
                kind = self._kind(found)
            elif isinstance(found, Symbol):
                kind = self._made_base(found)
            else:
                kind = _external_kind(found or base)
            if kind is not None:
                break
        self._kinds[symbol] = kind
        return kind

    def _made_base(self, found: Symbol) -> Framework | None:
        """`Base` of `Base = declarative_base()`, `db.Model` of `db = SQLAlchemy()`."""
        head, _, rest = found.name.partition(".")
        call = self._module_binds.get(found.module, {}).get(head)
        if call is None or call.links[-1].name not in _MAKES_BASE:
            return None
        return "sqlalchemy" if rest in ("", "Model") else None

    def _model(self, symbol: Symbol, cls: Class, kind: Framework) -> Model:
        fields = {field.name: field for field in cls.fields}
        meta = self._classes.get(Symbol(symbol.module, f"{cls.name}.Meta"))
        options = {} if meta is None else {field.name: field.value.removeprefix("'") for field in meta.fields}
        bases = [
            found
            for base in cls.bases
            if isinstance(found := self._modules.resolve(symbol.module, base), Symbol) and found in self._classes
        ]
        place = Place(self._modules.files[symbol.module].path, cls.line)
        if kind == "sqlalchemy":
            table = fields["__tablename__"].value.removeprefix("'") if "__tablename__" in fields else ""
            abstract = "__abstract__" in fields or not (table or any(f.call for f in cls.fields))
            table = "" if abstract else table or _snake(cls.name)
            return Model(symbol, table or symbol.dotted, table, kind, abstract, place, bases, [])
        app = options.get("app_label") or self.app_of(symbol.module)
        name = cls.name.rpartition(".")[2]
        abstract = options.get("abstract") == "True"
        table = "" if abstract else options.get("db_table") or f"{app}_{name}".lower()
        if options.get("proxy") == "True" and bases:
            table = ""
        return Model(symbol, f"{app}.{name}", table, kind, abstract, place, bases, [])

    def app_of(self, module: str) -> str:
        """Django's label of the application that a module belongs to."""
        parts = module.split(".")
        for end in range(len(parts), 0, -1):
            label = self._labels.get(".".join(parts[:end]))
            if label is not None:
                return label
        for mark in ("models", "abstract_models"):
            if mark in parts[1:]:
                return parts[parts.index(mark, 1) - 1]
        return parts[-2] if len(parts) > 1 else parts[0]

    def _add_tables(self) -> None:
        """`friends = Table("friends", metadata, Column(..., ForeignKey("users.id")))` of SQLAlchemy."""
        for module, facts in self._modules.facts.items():
            for bind in facts.binds:
                link = bind.value.links[-1]
                if link.name != "Table" or not link.args or not link.args[0].startswith("'"):
                    continue
                table, place = link.args[0][1:], Place(self._modules.files[module].path, bind.line)
                symbol = Symbol(module, bind.name)
                self.all.setdefault(symbol, Model(symbol, table, table, "sqlalchemy", False, place, [], []))

    # Relations --------------------------------------------------------------------------------------------------------

    def _relations(self, model: Model, cls: Class) -> Iterator[Relation]:
        for field in cls.fields:
            if field.call is None:
                continue
            link = field.call.links[0] if field.call.root == "" else field.call.links[-1]
            if model.framework == "sqlalchemy":
                yield from self._sqlalchemy_relations(model, field, field.call)
            elif link.name in RELATIONS or link.name.endswith(("ForeignKey", "OneToOneField", "ManyToManyField")):
                yield self._django_relation(model, field, field.call)

    def _django_relation(self, model: Model, field: Field, call: Chain) -> Relation:
        link = call.links[-1]
        said = link.keywords.get("to") or (link.args[0] if link.args else "")
        kind: Literal["foreign key", "one to one", "many to many", "generic"] = "foreign key"
        if "OneToOne" in link.name:
            kind = "one to one"
        elif "ManyToMany" in link.name:
            kind = "many to many"
        elif link.name == "GenericForeignKey":
            kind, said = "generic", "any model"
        target, confidence = (None, "unresolved") if kind == "generic" else self.named(model.symbol.module, said, model)
        reverse = link.keywords.get("related_name", "").removeprefix("'")
        place = Place(model.place.path, field.line)
        nullable = link.keywords.get("null") == "True"
        return Relation(field.name, kind, target, confidence, said.lstrip("'"), reverse, place, nullable)

    def _sqlalchemy_relations(self, model: Model, field: Field, call: Chain) -> Iterator[Relation]:
        link, place = call.links[-1], Place(model.place.path, field.line)
        if link.name in ("relationship", "relation"):
            said = link.args[0] if link.args else "'" + _mapped(field.annotation)
            target, confidence = self.named(model.symbol.module, said, model)
            reverse = (link.keywords.get("backref") or "").removeprefix("'")
            yield Relation(field.name, "relationship", target, confidence, said.lstrip("'"), reverse, place)
            return
        for said in (*link.args, *link.keywords.values()):
            found = _ASSOCIATION.match(said)
            if found:
                target = self.by_table.get(found[1].split(".")[-2 if "." in found[1] else 0].lower())
                how: Confidence = "unresolved" if target is None else "string"
                yield Relation(field.name, "foreign key", target, how, found[1], "", place)

    def named(self, module: str, said: str, owner: Model | None = None) -> tuple[Symbol | None, Confidence]:
        """The model that an argument names: a class, `app.Model`, `Model`, `self` or a setting.

        Args:
            module: Where it is written.
            said: As an argument; see `calve.audit.reading.facts`.
            owner: The model it is written in.
        """
        if not said:
            return None, "unresolved"
        if not said.startswith("'"):
            if said == "get_user_model()":
                return self.by_label.get(self._user.lower()), "string"
            if "('" in said:  # get_model('order.Order
                return self.by_label.get(said.partition("('")[2].lower()), "string"
            if said.rpartition(".")[2] == "AUTH_USER_MODEL":
                return self.by_label.get(self._user.lower()), "string"
            found = self._modules.resolve(module, said)
            if isinstance(found, Symbol) and found in self.all:
                return found, "exact"
            return None, "exact" if isinstance(found, str) else "unresolved"
        name = said[1:]
        if name == "self" and owner is not None:
            return owner.symbol, "exact"
        if "." in name:
            symbol = self.by_label.get(name.lower()) or self._dotted_class(name)
            known = symbol is not None or name.partition(".")[0] in DJANGO_APPS
            return symbol, "string" if known else "unresolved"
        local = self._modules.resolve(module, name)
        if isinstance(local, Symbol) and local in self.all:
            return local, "string"
        same_app = self.by_label.get(f"{self.app_of(module)}.{name}".lower())
        if same_app is not None:
            return same_app, "string"
        named = [s for s in self._by_name.get(name, []) if not self.all[s].abstract]
        return (named[0], "inferred") if len(named) == 1 else (None, "unresolved")

    def _dotted_class(self, name: str) -> Symbol | None:
        module, _, last = name.rpartition(".")
        symbol = Symbol(module, last)
        return symbol if symbol in self.all else None

    def _setting(self, name: str) -> str:
        """A setting that is a string, from whichever module sets it, the shortest name first."""
        found = sorted(
            (len(m), m, facts.flags[name]) for m, facts in self._modules.facts.items() if name in facts.flags
        )
        return found[0][2].removeprefix("'") if found else "auth.User"

    # Walking along relations ------------------------------------------------------------------------------------------

    def lineage(self, symbol: Symbol) -> list[Symbol]:
        """A model and all models it inherits from."""
        found: list[Symbol] = []
        waiting = [symbol]
        while waiting:
            current = waiting.pop(0)
            if current in self.all and current not in found:
                found.append(current)
                waiting += self.all[current].bases
        return found

    def _reverse_names(self) -> dict[Symbol, dict[str, Symbol]]:
        names: dict[Symbol, dict[str, Symbol]] = {}
        for symbol, model in self.all.items():
            if model.abstract:
                continue
            name = symbol.name.rpartition(".")[2].lower()
            for ancestor in self.lineage(symbol):
                for relation in self.all[ancestor].relations:
                    if relation.target is not None and not relation.reverse.endswith("+"):
                        reverse = relation.reverse.replace("%(class)s", name).replace(
                            "%(app_label)s", self.app_of(symbol.module)
                        )
                        names.setdefault(relation.target, {}).setdefault(reverse or name, symbol)
        return names

    def step(self, symbol: Symbol, name: str) -> Symbol | None:
        """The model that an attribute of a model leads to, forward or backward; None for a plain column."""
        for ancestor in self.lineage(symbol):
            for relation in self.all[ancestor].relations:
                if relation.name == name or f"{relation.name}_id" == name:
                    return relation.target
        for ancestor in self.lineage(symbol):
            reverse = self._reverse.get(ancestor, {})
            if (found := reverse.get(name) or reverse.get(name.removesuffix("_set"))) is not None:
                return found
        return None


def _external_kind(name: str) -> Framework | None:
    last = name.rpartition(".")[2]
    if last in _SQLALCHEMY_BASES:
        return "sqlalchemy"
    if last in _NO_MODELS or name.startswith(("pydantic", "rest_framework", "factory")):
        return None
    if last in _DJANGO_BASES or name.endswith("models.Model"):
        return "django"
    return "django" if last.endswith("Model") and name != last else None


def _app_labels(modules: Modules) -> Iterator[tuple[str, str]]:
    """Package of a Django application -> its label, from the AppConfig classes."""
    for module, facts in modules.facts.items():
        for cls in facts.classes:
            values = {f.name: f.value for f in cls.fields if f.value.startswith("'")}
            name = values.get("name", "")[1:]
            if name and ("label" in values or module == f"{name}.apps") and modules.is_module(name):
                yield name, values.get("label", "'" + name.rpartition(".")[2])[1:]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.rpartition(".")[2]).lower()


def _mapped(annotation: str) -> str:
    """`User` of `Mapped["User"]`, `Mapped[list["User"]]`, `Mapped[Optional[User]]`."""
    words = [
        w
        for w in re.findall(r"[A-Za-z_]\w*", annotation)
        if w not in ("Mapped", "list", "List", "Optional", "set", "None")
    ]
    return words[-1] if words else ""
