"""Models as messages: columns by their declared type, references as ids.

count = models.IntegerField()                    count: int
note = models.TextField(null=True)               note: str | None
item = models.ForeignKey(Item)                   item_id: int
account_id: Mapped[int] = mapped_column(...)     account_id: int
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

import msgspec

from ..findings import Findings
from ..reading.facts import Class, Field
from ..reading.vocabulary import RELATIONS
from ..resolving.modules import Symbol
from .signatures import SCALARS, UNKNOWN

_DJANGO = {
    "int": (
        "IntegerField",
        "AutoField",
        "PositiveIntegerField",
        "SmallIntegerField",
        "BigIntegerField",
        "BigAutoField",
    ),
    "str": (
        "CharField",
        "TextField",
        "SlugField",
        "EmailField",
        "URLField",
        "FileField",
        "ImageField",
        "FilePathField",
    ),
    "bool": ("BooleanField", "NullBooleanField"),
    "float": ("FloatField",),
    "Decimal": ("DecimalField",),
    "datetime": ("DateTimeField",),
    "date": ("DateField",),
    "time": ("TimeField",),
    "timedelta": ("DurationField",),
    "UUID": ("UUIDField",),
    "bytes": ("BinaryField",),
}
_SQLALCHEMY = {
    "int": ("Integer", "BigInteger", "SmallInteger"),
    "str": ("String", "Text", "Unicode", "UnicodeText"),
    "bool": ("Boolean",),
    "float": ("Float", "Double"),
    "Decimal": ("Numeric",),
    "datetime": ("DateTime", "TIMESTAMP"),
    "date": ("Date",),
    "time": ("Time",),
    "timedelta": ("Interval",),
    "UUID": ("UUID", "Uuid"),
    "bytes": ("LargeBinary",),
}
_OF_FIELD = {name: kind for kinds in (_DJANGO, _SQLALCHEMY) for kind, names in kinds.items() for name in names}
_MAPPED = re.compile(r"(?:\w+\.)?Mapped\[(?:Optional\[)?([A-Za-z_]\w*)")
_NO_COLUMNS = frozenset(
    {"relationship", "relation", "GenericForeignKey", "GenericRelation", "backref", "dynamic_loader"}
)


class Shape(msgspec.Struct):
    """A message made from a model."""

    name: str
    model: str
    """Dotted name of the model."""
    fields: list[tuple[str, str]]
    """Name and type, `id` first."""


def shape(found: Findings, symbol: Symbol) -> Shape:
    """The message of a model, with the columns of the abstract models it inherits from."""
    fields: dict[str, str] = {"id": "int"}
    for ancestor in reversed(found.models.lineage(symbol)):
        facts = found.modules.facts.get(ancestor.module)
        cls = next((c for c in facts.classes if c.name == ancestor.name), None) if facts else None
        if cls is not None:
            fields |= dict(_columns(cls))
    return Shape(symbol.name.replace(".", ""), symbol.dotted, list(fields.items()))


def _columns(cls: Class) -> Iterator[tuple[str, str]]:
    for field in cls.fields:
        known = _column(field)
        if known is not None and known[0].isidentifier() and not keyword.iskeyword(known[0]):
            yield known[0].lstrip("_") or "value", known[1]


def _column(field: Field) -> tuple[str, str] | None:
    mapped = _MAPPED.match(field.annotation)
    if field.call is None:
        return (field.name, mapped[1]) if mapped and mapped[1] in SCALARS else None
    link = field.call.links[-1]
    if link.name in _NO_COLUMNS or field.name.startswith("__"):
        return None
    nullable = " | None" if link.keywords.get("null") == "True" or "None" in field.annotation else ""
    if link.name.endswith("ManyToManyField"):
        return f"{field.name}_ids", "tuple[int, ...]"
    if link.name in RELATIONS or link.name.endswith(("ForeignKey", "OneToOneField")):
        return f"{field.name}_id", f"int{nullable}"
    if mapped:
        return field.name, (mapped[1] if mapped[1] in SCALARS else UNKNOWN) + nullable
    if link.name in ("Column", "mapped_column"):
        kinds = (_OF_FIELD.get(arg.partition("(")[0].rpartition(".")[2]) for arg in link.args)
        return field.name, next(filter(None, kinds), UNKNOWN) + nullable
    if link.name in _OF_FIELD:
        return field.name, _OF_FIELD[link.name] + nullable
    return (field.name, UNKNOWN + nullable) if link.name.endswith("Field") else None
