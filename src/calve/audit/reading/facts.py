"""What one file says, in terms of the file alone.

    Argument      one argument of a call, as text: `'orders.Order` a string literal (a quote in front),
                  `models.CASCADE` a dotted name, `` anything else
    Chain         a.b.first(x).second(y=1)  ->  root "a.b", links (first, second)
    lines         1-based, inclusive

Which function or class a line belongs to is found by its line range; only imports carry their scope, because it says
when they happen.
"""

from __future__ import annotations

from typing import Literal

import msgspec

When = Literal["eager", "local", "types"]


class Import(msgspec.Struct, frozen=True, array_like=True):
    """One bound name of one import statement."""

    line: int
    module: str
    """As written, without leading dots."""
    level: int
    """Leading dots."""
    name: str
    """What is taken from the module; `` for `import module`, `*` for everything."""
    bound: str
    """The name it has in this file; for `import a.b` without alias that is `a`."""
    when: When
    """Executed on import; inside a function; or under `if TYPE_CHECKING`."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """One call of a chain."""

    name: str
    args: tuple[str, ...] = ()
    keywords: dict[str, str] = {}


class Chain(msgspec.Struct, frozen=True, array_like=True):
    """A call that may matter: one of its names is known to touch data, tasks, signals, transactions or the network."""

    line: int
    root: str
    """Dotted name before the first call; `` for a plain `f(x)` or when it starts with something else."""
    links: tuple[Link, ...]


class Field(msgspec.Struct, frozen=True, array_like=True):
    """An attribute assigned in the body of a class, `name = call(...)` or `name: type`."""

    line: int
    name: str
    call: Chain | None
    annotation: str = ""
    value: str = ""
    """As an argument, where the right side is not a call."""


class Class(msgspec.Struct, frozen=True, array_like=True):
    """A class definition."""

    line: int
    end: int
    name: str
    """With the classes and functions around it: `Order.Meta`."""
    bases: tuple[str, ...]
    fields: list[Field]


class Function(msgspec.Struct, frozen=True, array_like=True):
    """A function definition."""

    line: int
    end: int
    name: str
    decorators: tuple[Chain, ...]
    annotations: dict[str, str]
    """Parameter -> its annotation, where that is a dotted name or a string."""


class Bind(msgspec.Struct, frozen=True, array_like=True):
    """A name that gets the result of a call: `order = Order.objects.get(...)`, `for line in order.lines.all()`."""

    line: int
    name: str
    value: Chain


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A `with` block around a call that may open a transaction."""

    line: int
    end: int
    call: Chain


class Sql(msgspec.Struct, frozen=True, array_like=True):
    """A string literal that is SQL."""

    line: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]


class FileFacts(msgspec.Struct, array_like=True):
    """Everything taken from one file."""

    lines: int = 0
    code_lines: int = 0
    """Lines that are neither blank nor only a comment."""
    errors: int = 0
    """Places the grammar did not understand; what is around them was read."""
    encoding: str = "utf-8"
    imports: list[Import] = []
    classes: list[Class] = []
    functions: list[Function] = []
    defined: list[str] = []
    """Names bound at module level other than by imports."""
    exported: tuple[str, ...] | None = None
    """`__all__`, where it is a literal."""
    uses: list[tuple[str, int]] = []
    """Dotted names that start with an imported name, and the line; each pair once."""
    calls: list[tuple[str, int]] = []
    """Calls of what this file defines itself: `helper`, and `self.method`."""
    held: list[tuple[str, int]] = []
    """Attributes of what may hold a model, `order.customer` after a `Bind` of `order`, and the line; each pair once."""
    strings: list[tuple[str, int]] = []
    """String literals that look like a dotted path."""
    chains: list[Chain] = []
    binds: list[Bind] = []
    blocks: list[Block] = []
    sql: list[Sql] = []
    flags: dict[str, str] = {}
    """Upper-case names, and keys of literal dictionaries, that are set to a literal: what settings are made of."""
