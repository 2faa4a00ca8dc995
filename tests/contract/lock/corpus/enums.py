"""Enums and unions."""

from __future__ import annotations

from .base import Edit

ENUMS = [
    Edit(
        "an enum lists its values in another order",
        '    RED = "red"\n    GREEN = "green"',
        '    GREEN = "green"\n    RED = "red"',
        "patch",
    ),
    Edit(
        "the numbers of an enum are exchanged",
        "    LOW = 1\n    HIGH = 2",
        "    LOW = 2\n    HIGH = 1",
        "breaking",
        ("enum-meaning", "enum-meaning"),
    ),
    Edit(
        "an enum that is answered gets a value",
        '    RED = "red"',
        '    RED = "red"\n    BLUE = "blue"',
        "breaking",
        ("enum-value",),
    ),
    Edit("an enum that is sent gets a value", "    LOW = 1", "    LOW = 1\n    TOP = 3", "minor", ("enum-value",)),
    Edit("an enum that is sent loses a value", "    LOW = 1\n", "", "breaking", ("enum-value",)),
    Edit(
        "an enum that is sent takes unknown values",
        "    LOW = 1\n",
        "    LOW = 1\n    @classmethod\n    def _missing_(cls, v): return cls.LOW\n",
        "patch",
    ),
    Edit("an enum names a value otherwise", '    RED = "red"', '    ROUGE = "red"', "patch"),
    Edit(
        "an enum writes a value otherwise",
        '    RED = "red"',
        '    RED = "RED"',
        "breaking",
        ("enum-value", "enum-value"),
    ),
    Edit("an enum that is sent becomes an integer", "level: Level", "level: int", "minor", ("type",)),
    Edit(
        "the message of a union gets another tag",
        "class Card(Message, tag=True)",
        'class Card(Message, tag="card")',
        "breaking",
        ("union", "union"),
    ),
    Edit(
        "the messages of a union say what they are in another field",
        "class Card(Message, tag=True):\n    number: str\n\nclass Cash(Message, tag=True)",
        'class Card(Message, tag=True, tag_field="kind"):\n    number: str\n\n'
        'class Cash(Message, tag=True, tag_field="kind")',
        "breaking",
        ("union", "union", "union", "union"),
    ),
    Edit(
        "an answered union gets an option",
        "    paid_by: Card | Cash",
        "    paid_by: Card | Cash | str",
        "breaking",
        ("union",),
    ),
    Edit("an answered union loses an option", "    paid_by: Card | Cash", "    paid_by: Card", "minor", ("union",)),
]
