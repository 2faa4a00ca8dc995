"""Protobuf numbers that stay put.

A field keeps its number as long as it exists, wherever its line moves. What is removed leaves its number behind as
reserved, and what comes (back) gets the next one above all that were ever given. A field whose protobuf type changes
counts as removed and added: readers that know the number would read the bytes as something else.

Numbers are kept per message, enum, request (`Wallet.debit`) and union (`Payment.method`, after the field that holds
it). Classes may be renamed: they are found again by where they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from .model import Description, Field, MessageLock, Numbers, Shape

_FORBIDDEN = range(19_000, 20_000)  # protobuf's own

_STRINGS = ("str", "uuid", "decimal", "date", "time", "literal")


def with_numbers(new: Description, old: Description | None) -> Description:
    """The description with a number for everything, as given before where it was there before.

    Args:
        new: Made from code, without numbers.
        old: The lock before, if there is one.
    """
    numbers: dict[str, Numbers] = {}
    before = {now: then for then, now in renamed_types(old, new).items()} if old else {}
    for key, wanted in ledgers(new):
        old_key = _old_key(key, before)
        known = old.numbers.get(old_key) if old else None
        kinds = dict(_kinds_at(old, old_key)) if old else {}
        numbers[key] = _assign(wanted, known or Numbers(), kinds)
    return msgspec.structs.replace(new, numbers=dict(sorted(numbers.items())))


def ledgers(description: Description) -> Iterator[tuple[str, dict[str, str]]]:
    """Everything that has numbers: its key, and what gets one in order, each with its protobuf kind."""
    for name in description.operations:
        yield from _fields(description, f"{description.contract}.{name}", description.request(name).fields)
        yield from _unions(description, f"{description.contract}.{name}.answer", description.operations[name].answer)
    for name, error in description.errors.items():
        yield from _fields(description, error_key(description, name), error.fields)
    for name, message in description.messages.items():
        yield from _fields(description, name, message.fields)
    for name, enum in description.enums.items():
        yield name, {str(value): "value" for value in enum.values.values()}


def error_key(description: Description, error: str) -> str:
    """The key of an error's fields; a message of the same name has the name."""
    return f"{error}Error" if error in description.messages or error in description.enums else error


def option_label(description: Description, option: Shape) -> str:
    """What tells an option of a union from the others: the tag of a message, otherwise its type."""
    if option.type != "ref":
        return option.type
    message = description.messages.get(option.ref)
    return str(message.tag) if message is not None and message.tag is not None else option.ref


def proto_kind(description: Description, shape: Shape) -> str:
    """What protobuf makes of a shape, as far as its bytes go."""
    if shape.type in _STRINGS:
        numbers = shape.type == "literal" and any(isinstance(v, int) for v in shape.allowed)
        return "int" if numbers else "string"
    if shape.type == "datetime" and shape.zone is False:
        return "string"
    if shape.type == "ref":
        return "enum" if shape.ref in description.enums else "message"
    if shape.type == "array":
        assert shape.items is not None
        return f"repeated {proto_kind(description, shape.items)}"
    return shape.type


def renamed_types(old: Description, new: Description) -> dict[str, str]:
    """Named types of the old description by name, to what stands in their place in the new one."""
    found: dict[str, str] = {}

    def visit(then: Shape | None, now: Shape | None) -> None:
        if then is None or now is None or then.type != now.type:
            return
        if then.type == "ref":
            if then.ref not in found and now.ref not in found.values():
                found[then.ref] = now.ref
                visit_fields(old.messages.get(then.ref), new.messages.get(now.ref))
            return
        visit(then.items, now.items)
        visit(then.keys, now.keys)
        visit(then.values, now.values)
        for a, b in zip(then.parts, now.parts, strict=False):
            visit(a, b)
        labels = {option_label(new, option): option for option in now.options}
        for option in then.options:
            visit(option, labels.get(option_label(old, option)))

    def visit_fields(then: MessageLock | None, now: MessageLock | None) -> None:
        if then and now:
            by_name = {f.name: f for f in now.fields}
            for field in then.fields:
                visit(field, by_name.get(field.name))

    for name in old.events:
        if name in new.events:
            visit(Shape(type="ref", ref=name), Shape(type="ref", ref=name))
    for name, operation in old.operations.items():
        if name in new.operations:
            visit_fields(old.request(name), new.request(name))
            visit(operation.answer, new.operations[name].answer)
    for name, error in old.errors.items():
        if name in new.errors:
            visit_fields(MessageLock(fields=error.fields), MessageLock(fields=new.errors[name].fields))
    return found


def renumbered(old: Description, new: Description) -> Iterator[tuple[str, str]]:
    """What peers that speak protobuf would read as something else: pairs of path and what happened to it."""
    before = {now: then for then, now in renamed_types(old, new).items()}
    for key, now in new.numbers.items():
        then = old.numbers.get(_old_key(key, before))
        if then is None:
            continue
        owners = {number: name for name, number in then.used.items()}
        owners |= {int(number): name for number, name in then.reserved.items()}
        for name, number in now.used.items():
            was = then.used.get(name)
            kept = dict(_kinds_at(old, _old_key(key, before))).get(name) == dict(_kinds_at(new, key)).get(name)
            if was is not None and was != number and kept:
                yield f"{key}.{name}", f"its protobuf number was {was}, is {number}"
            elif was != number and number in owners and owners[number] != name:
                yield f"{key}.{name}", f"it takes protobuf number {number}, which was that of {owners[number]!r}"


def _old_key(key: str, before: dict[str, str]) -> str:
    head, dot, rest = key.partition(".")
    return before.get(head, head) + dot + rest


def _fields(description: Description, key: str, fields: Iterable[Field]) -> Iterator[tuple[str, dict[str, str]]]:
    fields = tuple(fields)
    yield key, {field.name: proto_kind(description, field) for field in fields}
    for field in fields:
        yield from _unions(description, f"{key}.{field.name}", field)


def _unions(description: Description, key: str, shape: Shape) -> Iterator[tuple[str, dict[str, str]]]:
    if shape.type == "union":
        yield key, {option_label(description, option): proto_kind(description, option) for option in shape.options}
    for label, inner in shape.children():
        suffix = option_label(description, inner) if shape.type == "union" else label.strip(".[]") or "items"
        yield from _unions(description, f"{key}.{suffix}", inner)


def _kinds_at(description: Description, key: str) -> Iterator[tuple[str, str]]:
    for name, kinds in ledgers(description):
        if name == key:
            yield from kinds.items()


def _assign(wanted: dict[str, str], known: Numbers, kinds: dict[str, str]) -> Numbers:
    kept = {name: known.used[name] for name in wanted if name in known.used and kinds.get(name) == wanted[name]}
    reserved = {**known.reserved, **{str(n): name for name, n in known.used.items() if name not in kept}}
    highest = max([0, *known.used.values(), *map(int, known.reserved)])
    used = {}
    for name in wanted:
        if name not in kept:
            highest += 1
            if highest in _FORBIDDEN:
                highest = _FORBIDDEN.stop
        used[name] = kept.get(name, highest)
    return Numbers(used=used, reserved=dict(sorted(reserved.items(), key=lambda item: int(item[0]))))
