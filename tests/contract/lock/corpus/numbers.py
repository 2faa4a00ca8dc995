"""Protobuf numbers, which only a lock has."""

from __future__ import annotations

from .base import Edit

NUMBERS = [
    Edit(
        "a field gets another protobuf number",
        "class Till",
        "class Till",
        "breaking",
        ("number",),
        {"Item": {"sku": 9}},
    ),
    Edit(
        "two fields exchange their protobuf numbers",
        "class Till",
        "class Till",
        "breaking",
        ("number", "number"),
        {"Item": {"sku": 2, "count": 1}},
    ),
    Edit(
        "a new field takes the protobuf number of a removed one",
        "    tags: tuple[str, ...] = ()",
        "    more: tuple[int, ...] = ()",
        "breaking",
        ("number",),
        {"Receipt": {"more": 8}},
    ),
    Edit(
        "a value of an enum gets another protobuf number",
        "class Till",
        "class Till",
        "breaking",
        ("number",),
        {"Level": {"1": 7}},
    ),
]
