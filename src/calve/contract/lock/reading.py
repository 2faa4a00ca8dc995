"""Whether everything that one version writes is read by another, and means the same there.

The rules are those of the codec, tried out: unknown fields are ignored, fields with a default may be missing, an enum
is its value, a list and a tuple of any length are one thing, what is written as text may be read as one. Tests write
samples with one version and read them with the other, and hold the outcome against these rules.

    request    the caller of before writes, the new service reads           nothing that is sent may be lost
    answer     the new service writes, the caller of before reads           what is new may be lost
    event      the new service writes, the consumer of before reads         what is new may be lost
    stored     the service of before wrote, the new consumer reads
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import UNSET

from .limits import FLOAT_EXACT, admits, bounds, limited, outside
from .model import Description, Field, MessageLock, Shape, shown
from .numbers import option_label

_AS_TEXT = ("uuid", "decimal", "date", "time", "duration")


class Issue(NamedTuple):
    """Something that is written and not read, or read as something else."""

    rule: str
    path: str
    what: str
    fix: str


class Reading:
    """Compares the shapes of two versions.

    Args:
        writer: The version that writes.
        reader: The one that reads.
        reader_is_old: Which of them was there before; only the words depend on it.
        sparse: Whether the writer may leave out whatever has a default: clients that are not Calve's do, and stored
            events of before a field was added.
        lossy: Whether what the reader does not know may be lost.
    """

    def __init__(
        self, writer: Description, reader: Description, *, reader_is_old: bool, sparse: bool, lossy: bool
    ) -> None:
        self._writer, self._reader = writer, reader
        self._old, self._sparse, self._lossy = reader_is_old, sparse, lossy
        self._seen: set[tuple[str, str]] = set()

    def shape(self, writer: Shape, reader: Shape, path: str) -> Iterator[Issue]:
        """Issues of one shape and all inside it; none when everything is read as it was meant."""
        if reader.type == "any":
            return
        if writer.nullable and not (reader.nullable or reader.type == "null"):
            what = self._say("may be null now", "may no longer be null")
            yield Issue("null", path, what, self._keep("leave out `| None`", "keep `| None`"))
        if "union" in (writer.type, reader.type):
            yield from self._union(writer, reader, path)
        elif "ref" in (writer.type, reader.type) or "literal" in (writer.type, reader.type):
            yield from self._named(writer, reader, path)
        elif writer.type == reader.type:
            yield from self._same(writer, reader, path)
        else:
            yield from self._other(writer, reader, path)

    def fields(self, writer: MessageLock, reader: MessageLock, path: str, part: str = ".{}") -> Iterator[Issue]:
        """Issues of an object, field by field; `part` is how a path names one."""
        if writer.positional != reader.positional:
            yield Issue("type", path, "is no longer both object or both array", "keep array_like as it was")
            return
        known = {field.name: field for field in reader.fields}
        if reader.positional:
            yield from self._positions(writer, reader, path)
            return
        written = {field.name: field for field in writer.fields}
        for name, wanted in known.items():
            where = path + part.format(name)
            if name not in written:
                if wanted.required:
                    what = self._say("was removed, and readers of before need it", "is new and required")
                    fix = self._keep("keep it until the next major version", "give it a default")
                    yield Issue("field-missing", where, what, fix)
                continue
            yield from self._field(written[name], wanted, where, omits=writer.omits_defaults)
        for name in written.keys() - known.keys():
            where = path + part.format(name)
            if reader.strict and (name != reader.tag_field):
                what = self._say("is new, and readers of before refuse what they do not know", "was removed")
                yield Issue("field-unknown", where, what, self._keep("add a new operation", "keep it, unused"))
            elif not self._lossy:
                what = self._say("is new, and services of before ignore it", "was removed: what is sent is ignored")
                yield Issue("field-lost", where, what, self._keep("", "keep it until the next major version"))

    def _positions(self, writer: MessageLock, reader: MessageLock, path: str) -> Iterator[Issue]:
        for index, wanted in enumerate(reader.fields):
            if index >= len(writer.fields):
                if wanted.required:
                    what = self._say("was removed, and readers of before need it", "is new and required")
                    yield Issue("field-missing", f"{path}.{wanted.name}", what, "add at the end, with a default")
                continue
            given = writer.fields[index]
            if given.name != wanted.name:
                old, new = (wanted, given) if self._old else (given, wanted)
                what = f"place {index + 1} of the array was {old.name!r}, is {new.name!r}"
                yield Issue("order", f"{path}.{given.name}", what, "keep the order, add at the end")
            yield from self._field(given, wanted, f"{path}.{wanted.name}", omits=False)
        if reader.strict and len(writer.fields) > len(reader.fields):
            what = self._say("is longer, and readers of before refuse that", "is shorter, and longer ones are refused")
            yield Issue("field-unknown", path, what, "keep as many fields")

    def _field(self, given: Field, wanted: Field, path: str, *, omits: bool) -> Iterator[Issue]:
        absent = given.unset or (not given.required and (self._sparse or omits))
        if absent and wanted.required:
            what = self._say("may be left out now", "was optional, is required")
            yield Issue("required", path, what, self._keep("keep it required", "keep its default"))
        elif absent and not given.unset and not _same_default(given, wanted):
            old, new = (wanted, given) if self._old else (given, wanted)
            what = f"its default was {_default(old)}, is {_default(new)}"
            yield Issue("default", path, what, "keep the default, and let who wants another one say so")
        yield from self.shape(given, wanted, path)

    def _same(self, writer: Shape, reader: Shape, path: str) -> Iterator[Issue]:
        for limit in outside(writer, reader):
            yield Issue("narrowed", path, self._was(writer, reader, limit), self._keep(_CLAMP, "keep the limit"))
        if writer.type == "array":
            assert writer.items is not None
            assert reader.items is not None
            if reader.unique and not writer.unique:
                yield Issue("type", path, self._was(writer, reader), "keep it a list: a set loses order and repetition")
            yield from self.shape(writer.items, reader.items, f"{path}[]")
        elif writer.type == "map":
            assert writer.keys is not None
            assert writer.values is not None
            assert reader.keys is not None
            assert reader.values is not None
            yield from self.shape(writer.keys, reader.keys, f"{path}.key")
            yield from self.shape(writer.values, reader.values, f"{path}[]")
        elif writer.type == "tuple":
            if len(writer.parts) != len(reader.parts):
                yield Issue("type", path, self._was(writer, reader), "keep its length, or use a message")
            for index, (given, wanted) in enumerate(zip(writer.parts, reader.parts, strict=False)):
                yield from self.shape(given, wanted, f"{path}[{index}]")
        elif writer.type == "opaque" and writer.schema != reader.schema:
            what = "the model of another library changed, and Calve cannot tell how"
            yield Issue("opaque", path, what, "use a Message, or add a new operation")

    def _other(self, writer: Shape, reader: Shape, path: str) -> Iterator[Issue]:
        match writer.type, reader.type:
            case "null", _ if reader.nullable:
                return
            case "int", "float":
                low, high = bounds(writer)
                assert low is not None
                assert high is not None
                exact = low >= -FLOAT_EXACT and high <= FLOAT_EXACT
                if exact and not list(outside(Shape(type="float", ge=low, le=high), reader)):
                    return
            case ("int", "decimal") | ("float", "decimal"):
                return
            case "datetime", "str" if writer.zone is False and not limited(reader):
                return
            case kind, "str" if kind in _AS_TEXT and not limited(reader):
                return
            case "tuple", "array":
                assert reader.items is not None
                whole = Shape(type="array", min_length=len(writer.parts), max_length=len(writer.parts))
                if not reader.unique and not list(outside(whole, reader)):
                    for index, part in enumerate(writer.parts):
                        yield from self.shape(part, reader.items, f"{path}[{index}]")
                    return
        yield Issue("type", path, self._was(writer, reader), _NEW_FIELD)

    def _named(self, writer: Shape, reader: Shape, path: str) -> Iterator[Issue]:
        given, wanted = self._message(self._writer, writer), self._message(self._reader, reader)
        if given and wanted:
            yield from self._messages(writer, given, reader, wanted, path)
            return
        values, known = _values(self._writer, writer), _values(self._reader, reader)
        if values is None or (known is None and reader.type not in ("str", "int")):
            yield Issue("type", path, self._was(writer, reader), _NEW_FIELD)
        elif known is None:
            if not all(admits(reader, value) for value in values.values()):
                yield Issue("type", path, self._was(writer, reader), _NEW_FIELD)
        else:
            yield from self._enum(values, known, writer, reader, path)

    def _enum(
        self, given: dict[str, str | int], known: dict[str, str | int], writer: Shape, reader: Shape, path: str
    ) -> Iterator[Issue]:
        where = reader.ref or writer.ref or path
        names = {value: name for name, value in known.items()}
        of_reader = self._reader.enums.get(reader.ref)
        opened = of_reader is not None and of_reader.open
        for name, value in given.items():
            if value not in names:
                if opened and {type(v) for v in known.values()} == {type(value)}:
                    continue
                what = self._say(f"value {value!r} is new, and readers of before refuse it", f"value {value!r} is gone")
                fix = self._keep(
                    "give the enum a `_missing_` that takes unknown values for a known one, and release that first",
                    "keep the value",
                )
                yield Issue("enum-value", where, what, fix)
            elif name != names[value] and name in known:
                old, new = (known[name], value) if self._old else (value, known[name])
                yield Issue("enum-meaning", where, f"{name} was {old!r}, is {new!r}", "give each name its value back")

    def _messages(
        self, writer: Shape, given: MessageLock, reader: Shape, wanted: MessageLock, path: str
    ) -> Iterator[Issue]:
        same_field = given.tag_field == wanted.tag_field or given.positional
        if (given.tag != wanted.tag) and ((given.tag and wanted.tag and same_field) or given.positional):
            old, new = (wanted.tag, given.tag) if self._old else (given.tag, wanted.tag)
            yield Issue("tag", path, f"its tag was {old!r}, is {new!r}", f"write tag={old!r}")
        pair = (writer.ref, reader.ref)
        if pair not in self._seen:
            self._seen.add(pair)
            yield from self.fields(given, wanted, writer.ref if self._old else reader.ref)

    def _union(self, writer: Shape, reader: Shape, path: str) -> Iterator[Issue]:
        options = reader.options if reader.type == "union" else (reader,)
        for option in writer.options if writer.type == "union" else (writer,):
            if option.type == "null":
                continue
            best = self._option(option, options)
            if best is None:
                label = option_label(self._writer, option)
                what = self._say(f"may be {label!r} now", f"may no longer be {label!r}")
                fix = self._keep("add a new operation that answers with it", "keep it")
                yield Issue("union", path, what, fix)
            else:
                yield from self.shape(option, best, path)

    def _option(self, option: Shape, options: tuple[Shape, ...]) -> Shape | None:
        """The one of the reader's options that takes a value; messages are told apart by tag when there are several."""
        message = self._message(self._writer, option)
        if message is not None:
            targets = [(o, m) for o in options if (m := self._message(self._reader, o)) is not None]
            if len(targets) == 1 and not _told_apart(message, targets[0][1]):
                return targets[0][0]
            told = [o for o, m in targets if (m.tag, m.tag_field) == (message.tag, message.tag_field)]
            return told[0] if message.tag is not None and told else None
        exact = [o for o in options if o.type == option.type]
        for candidate in [*exact, *options]:
            trial = Reading(self._writer, self._reader, reader_is_old=self._old, sparse=self._sparse, lossy=self._lossy)
            if not list(trial.shape(option, candidate, "")):
                return candidate
        return exact[0] if exact else None

    def _message(self, description: Description, shape: Shape) -> MessageLock | None:
        return description.messages.get(shape.ref) if shape.type == "ref" else None

    def _say(self, of_before: str, now: str) -> str:
        return of_before if self._old else now

    _keep = _say

    def _was(self, writer: Shape, reader: Shape, limit: str | None = None) -> str:
        old, new = (reader, writer) if self._old else (writer, reader)
        return f"was {shown(_bare(old, limit))}, is {shown(_bare(new, limit))}"


_NEW_FIELD = "keep the type, and add a field or an operation with the new one"
_CLAMP = "keep answering within the limit, or add a new operation"


def _bare(shape: Shape, limit: str | None) -> Shape:
    """The type with the one limit that it is about."""
    if limit is None:
        return shape
    pair = {"ge": ("ge", "gt"), "gt": ("ge", "gt"), "le": ("le", "lt"), "lt": ("le", "lt")}.get(limit, (limit,))
    limits: dict[str, Any] = {name: getattr(shape, name) for name in pair}
    return Shape(
        type=shape.type, items=shape.items, unique=shape.unique, keys=shape.keys, values=shape.values, **limits
    )


def _values(description: Description, shape: Shape) -> dict[str, str | int] | None:
    """The values of an enum or a literal, by name; None for anything else."""
    if shape.type == "literal":
        return {repr(value): value for value in shape.allowed}
    enum = description.enums.get(shape.ref) if shape.type == "ref" else None
    return None if enum is None else enum.values


def _told_apart(writer: MessageLock, reader: MessageLock) -> bool:
    """Whether a reader of this one message refuses the other for its tag."""
    tagged = writer.tag is not None and reader.tag is not None and writer.tag_field == reader.tag_field
    return tagged and writer.tag != reader.tag


def _same_default(given: Field, wanted: Field) -> bool:
    if given.default is UNSET:  # made anew by whoever reads
        return True
    return bool(given.default == wanted.default) and type(given.default) is type(wanted.default)


def _default(field: Field) -> str:
    return "none" if field.default is UNSET else repr(field.default)
