"""Errors and events."""

from __future__ import annotations

from .base import Edit

ERRORS_AND_EVENTS = [
    Edit(
        "an operation may raise another error",
        "raises=[NotFound]",
        "raises=[NotFound, OutOfStock]",
        "breaking",
        ("error-added",),
    ),
    Edit("an operation no longer raises an error", ", raises=[NotFound]", "", "minor", ("error-removed",)),
    Edit("the status of an error changes", "status = 404", "status = 410", "breaking", ("error-status",)),
    Edit("an error gets a field", "    left: int = 0", "    left: int = 0\n    more: int = 0", "patch"),
    Edit("an error loses a field", "    sku: str\n    left", "    left", "breaking", ("field-missing",)),
    Edit("a field of an error may be null", "    left: int = 0", "    left: int | None = 0", "breaking", ("null",)),
    Edit(
        "an event is no longer published",
        "publishes=[Paid, Shipped]",
        "publishes=[Paid]",
        "breaking",
        ("event-removed",),
    ),
    Edit(
        "another event is published",
        'class Till(Contract, Protocol, version="1.0", publishes=[Paid, Shipped]',
        "class Lost(Event):\n    order: UUID\n\n"
        'class Till(Contract, Protocol, version="1.0", publishes=[Paid, Shipped, Lost]',
        "minor",
        ("event-added",),
    ),
    Edit(
        "an event gets a field with a default",
        '    currency: str = "EUR"',
        '    currency: str = "EUR"\n    who: str = ""',
        "minor",
        ("field-added",),
    ),
    Edit(
        "an event gets a required field",
        "    cents: int\n    currency",
        "    cents: int\n    who: str\n    currency",
        "breaking",
        ("field-missing",),
    ),
    Edit("an event loses a field", "    order: UUID\n    cents", "    cents", "breaking", ("field-missing",)),
    Edit(
        "a field of an event is narrowed",
        "    cents: int\n    currency",
        "    cents: Annotated[int, Meta(ge=0)]\n    currency",
        "breaking",
        ("narrowed",),
    ),
    Edit(
        "a field of an event is widened",
        "    cents: int\n    currency",
        "    cents: int | None\n    currency",
        "breaking",
        ("null",),
    ),
    Edit(
        "the default of a field of an event changes",
        '    currency: str = "EUR"',
        '    currency: str = "USD"',
        "breaking",
        ("default",),
    ),
    Edit(
        "a field of an event becomes required",
        '    currency: str = "EUR"',
        "    currency: str",
        "breaking",
        ("required",),
    ),
]
