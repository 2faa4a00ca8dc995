"""The AsyncAPI document: valid by the specification's own schema, and it says what is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from calve.contract import describe
from calve.contract.exports import asyncapi

from .everything import Everything


@pytest.fixture
def document() -> dict[str, Any]:
    """The document of the contract with everything."""
    made = asyncapi([("everything", describe(Everything))], title="all", version="1.2.3")
    written: dict[str, Any] = json.loads(json.dumps(made))
    return written


def test_it_is_valid(document: dict[str, Any], node_modules: Path) -> None:
    path = node_modules / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(document)
    document["channels"]["everything.Moved"]["adress"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(document)


def test_an_event_is_a_channel(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "all", "version": "1.2.3"}
    channel = document["channels"]["everything.Moved"]
    assert channel["address"] == "everything.moved.v2"
    assert channel["messages"] == {"Moved": {"$ref": "#/components/messages/everything.Moved"}}
    assert document["operations"]["everything.publishMoved"] == {
        "action": "send",
        "channel": {"$ref": "#/channels/everything.Moved"},
        "messages": [{"$ref": "#/channels/everything.Moved/messages/Moved"}],
        "tags": [{"name": "everything"}],
    }


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert "#/components/schemas/Moved" in found
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def references(value: Any) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_events_fit_their_schema(document: dict[str, Any]) -> None:
    message = document["components"]["messages"]["everything.Moved"]
    assert message["summary"] == "It is somewhere else now."
    schema = {**message["payload"]["schema"], "components": document["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"where": [1.5, 2], "pay": {"type": "cash", "cents": 5}})
    assert not validator.is_valid({"where": [1.5, 2], "pay": {"type": "cheque"}})


def test_no_events_is_a_document_too() -> None:
    made = asyncapi([], title="none", version="1")
    assert (made["channels"], made["operations"], made["components"]) == ({}, {}, {})
