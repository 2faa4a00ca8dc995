"""What can be called, and how it appears on REST."""

from __future__ import annotations

from .base import Edit

_BUY = "async def buy(self, item: Item) -> Receipt"

OPERATIONS = [
    Edit("nothing changes", "class Till", "class Till", "patch"),
    Edit(
        "an operation is added",
        "    @query()\n    def watch",
        "    @query()\n    async def new(self) -> int: ...\n    @query()\n    def watch",
        "minor",
        ("operation-added",),
    ),
    Edit("an operation is removed or renamed", "async def price", "async def cost", "breaking", ("operation-removed",)),
    Edit(
        "a query becomes a command", "@query(timeout_seconds=5)", "@command(timeout_seconds=5)", "breaking", ("kind",)
    ),
    Edit("a timeout changes", "timeout_seconds=5", "timeout_seconds=7", "patch"),
    Edit("a role is needed", "@query(timeout_seconds=5)", '@query(role="boss")', "breaking", ("role",)),
    Edit("another role is needed", 'role="cashier"', 'role="boss"', "breaking", ("role",)),
    Edit("a role is no longer needed", ', role="cashier"', "", "minor", ("role",)),
    Edit(
        "a stream becomes one answer",
        'def watch(self, order: UUID, unit: Literal["cm", "in"]) -> AsyncIterator[Point]',
        'async def watch(self, order: UUID, unit: Literal["cm", "in"]) -> Point',
        "breaking",
        ("streaming",),
    ),
    Edit("the contract is renamed", "class Till(", "class Desk(", "breaking", ("contract-renamed",)),
    Edit("the version goes back", 'version="1.0"', 'version="0.9"', "breaking", ("version",)),
    Edit("a path on REST changes", "GET /orders/{order}", "GET /order/{order}", "breaking", ("http-rule",)),
    Edit(
        "a method on REST changes",
        "POST /orders/{order}/payments",
        "PUT /orders/{order}/payments",
        "breaking",
        ("http-rule",),
    ),
    Edit("an operation leaves REST", '@query(http="GET /orders")', "@query()", "breaking", ("http-removed",)),
    Edit(
        "an operation comes to REST",
        "@query(timeout_seconds=5)",
        '@query(http="GET /prices")',
        "minor",
        ("http-added",),
    ),
    Edit(
        "the status of a good answer changes",
        "raises=[OutOfStock])",
        "raises=[OutOfStock], status=201)",
        "breaking",
        ("http-status",),
    ),
    Edit(
        "a second parameter, though optional, makes the body another object",
        _BUY,
        "async def buy(self, item: Item, gift: bool = False) -> Receipt",
        "breaking",
        ("http-body",),
    ),
]
