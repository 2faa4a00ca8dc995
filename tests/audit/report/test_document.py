"""The shape of an audit's document."""

from __future__ import annotations

import msgspec

from calve.audit.report.document import Document, Evidence, Figure


def test_a_number_without_a_range_keeps_its_evidence() -> None:
    figure = Figure(value=1, low=1, high=3, confidence="inferred", evidence=[Evidence("a.py", 1, "x")])
    assert msgspec.json.decode(msgspec.json.encode(figure), type=Figure) == figure


def test_the_shape_can_be_said_as_a_schema() -> None:
    definitions = msgspec.json.schema(Document)["$defs"]
    assert set(definitions["Document"]["required"]) == set(Document.__struct_fields__)
