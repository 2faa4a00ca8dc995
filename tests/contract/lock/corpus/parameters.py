"""What callers send, one parameter at a time."""

from __future__ import annotations

from .base import Edit

_PAY = 'method: Card | Cash, memo: str = ""'
_PRICE = "level: Level, first: int, second: int"

PARAMETERS = [
    Edit("an optional parameter is added at the end", _PAY, f"{_PAY}, tip: int = 0", "minor", ("field-lost",)),
    Edit("a required parameter is added", _PRICE, f"{_PRICE}, third: int", "breaking", ("field-missing",)),
    Edit(
        "a parameter is inserted before others",
        _PRICE,
        "level: Level, zero: int = 0, first: int = 0, second: int = 0",
        "breaking",
        ("parameter-order", "parameter-order"),
    ),
    Edit(
        "parameters of one type change places",
        _PRICE,
        "level: Level, second: int, first: int",
        "breaking",
        ("parameter-order", "parameter-order"),
    ),
    Edit(
        "a parameter can only be given by name",
        _PRICE,
        "level: Level, first: int, *, second: int",
        "breaking",
        ("parameter-order",),
    ),
    Edit(
        "a parameter is renamed",
        _PRICE,
        "level: Level, first: int, other: int",
        "breaking",
        ("field-missing", "field-lost"),
    ),
    Edit("a parameter is removed", _PAY, "method: Card | Cash", "breaking", ("field-lost",)),
    Edit("an optional parameter becomes required", _PAY, "method: Card | Cash, memo: str", "breaking", ("required",)),
    Edit(
        "a required parameter becomes optional",
        _PRICE,
        "level: Level, first: int, second: int = 0",
        "minor",
        ("required",),
    ),
    Edit("the default of a parameter changes", "limit: int = 20", "limit: int = 50", "breaking", ("default",)),
    Edit(
        "a parameter is narrowed",
        "cents: Annotated[int, Meta(ge=0)]",
        "cents: Annotated[int, Meta(ge=1)]",
        "breaking",
        ("narrowed",),
    ),
    Edit("a parameter is widened", "cents: Annotated[int, Meta(ge=0)]", "cents: int", "minor", ("narrowed",)),
    Edit("a number parameter becomes a text", "cents: Annotated[int, Meta(ge=0)]", "cents: str", "breaking", ("type",)),
    Edit(
        "an integer parameter of any size becomes a float",
        _PRICE,
        "level: Level, first: float, second: int",
        "breaking",
        ("type",),
    ),
    Edit(
        "a parameter may no longer be null",
        "color: Color | None = None",
        "color: Color = Color.RED",
        "breaking",
        ("null", "default"),
    ),
    Edit("a parameter may be null", "limit: int = 20", "limit: int | None = 20", "minor", ("null",)),
    Edit("a list parameter becomes a set", "sizes: list[int]", "sizes: set[int]", "breaking", ("type",)),
    Edit("a list parameter becomes a tuple of any length", "sizes: list[int]", "sizes: tuple[int, ...]", "patch"),
    Edit(
        "a list parameter gets a greatest length",
        "sizes: list[int]",
        "sizes: Annotated[list[int], Meta(max_length=9)]",
        "breaking",
        ("narrowed",),
    ),
    Edit("a tuple parameter gets longer", "tuple[float, float]", "tuple[float, float, float]", "breaking", ("type",)),
    Edit("a tuple parameter becomes a list", "tuple[float, float]", "list[float]", "minor", ("type",)),
    Edit("a union parameter loses an option", _PAY, 'method: Card, memo: str = ""', "breaking", ("union",)),
    Edit("a union parameter gets an option", _PAY, 'method: Card | Cash | None, memo: str = ""', "minor", ("null",)),
    Edit(
        "a literal parameter gets a value", 'Literal["cm", "in"]', 'Literal["cm", "in", "ft"]', "minor", ("enum-value",)
    ),
    Edit("a literal parameter loses a value", 'Literal["cm", "in"]', 'Literal["cm"]', "breaking", ("enum-value",)),
    Edit("a literal parameter becomes a text", 'Literal["cm", "in"]', "str", "minor", ("type",)),
]
