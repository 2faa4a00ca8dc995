"""The shape of an audit's document: what is published describes what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from calve.audit.report.document import Document, Evidence, Figure, decode, encode, schema

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "reference" / "audit.schema.json"


@pytest.fixture(scope="session")
def published() -> Any:
    """The schema that readers of the document are given."""
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_a_number_without_a_range_keeps_its_evidence() -> None:
    figure = Figure(value=1, low=1, high=3, confidence="inferred", evidence=[Evidence("a.py", 1, "x")])
    assert msgspec.json.decode(msgspec.json.encode(figure), type=Figure) == figure


def test_what_is_written_fits_what_is_published(document: Document, published: Any) -> None:
    assert published == schema()
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(json.loads(encode(document)), published)


def test_what_is_published_asks_for_every_field(document: Document, published: Any) -> None:
    data = json.loads(encode(document))
    for name in Document.__struct_fields__:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in data.items() if key != name}, published)


def test_reading_what_was_written_gives_the_same(document: Document) -> None:
    assert decode(encode(document)) == document
