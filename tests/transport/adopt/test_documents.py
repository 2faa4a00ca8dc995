"""The OpenAPI document of an application inside ours: valid, complete, and never in the way of one of our names."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, Protocol

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from calve import Contract, DomainError, Message, query
from calve.contract import describe
from calve.contract.openapi import openapi
from calve.transport.adopt import Guest, merged
from calve.transport.adopt.documents import ask_document
from calve.transport.rest.docs import render

from .conftest import answer
from .foreign import fastapi_application


class Item(Message):
    sku: str


class UnknownItem(DomainError):
    status = 404


class Catalog(Contract, Protocol, version="1.0"):
    """What is sold."""

    @query(http="GET /items/{sku}", raises=[UnknownItem])
    async def item(self, sku: str) -> Item: ...


OURS = openapi([("catalog", describe(Catalog))], title="shop", version="1")


async def document_of(app: Any) -> Any:
    return await ask_document(app, app, "/", "/openapi.json")


def check(document: Any) -> None:
    """It is an OpenAPI 3.1 document, and our page can show it."""
    OpenAPIV31SpecValidator(document).validate()
    assert render(document).html


@pytest.mark.parametrize("mount", ["/", "/old"])
async def test_that_of_fastapi_is_merged(mount: str) -> None:
    theirs = await document_of(fastapi_application())
    before = copy.deepcopy((OURS, theirs))
    both = merged(OURS, [Guest("legacy", mount, theirs)])
    check(both)
    assert (OURS, theirs) == before
    prefix = "" if mount == "/" else mount
    assert set(OURS["paths"]) <= set(both["paths"])
    assert f"{prefix}/plain" in both["paths"]
    add = both["paths"][f"{prefix}/items/"]["post"]
    assert add["operationId"].startswith("legacy.add_")
    assert add["tags"] == ["legacy: items"]
    assert add["security"] == [{"legacy.OAuth2PasswordBearer": []}]
    assert "#/components/schemas/legacy.Item-Input" in str(add["requestBody"])
    schemas = both["components"]["schemas"]
    assert {"Item", "legacy.Item-Input"} <= set(schemas)
    inner = schemas["legacy.Item-Input"]["properties"]["parts"]["items"]
    assert inner == {"$ref": "#/components/schemas/legacy.Item-Input"}
    assert {"name": "legacy", "description": "Old but good."} in both["tags"]


async def test_ours_has_the_last_word() -> None:
    theirs = await document_of(fastapi_application())
    both = merged(OURS, [Guest("legacy", "/", theirs)])
    assert both["paths"]["/items/{sku}"] == OURS["paths"]["/items/{sku}"]
    assert "/items/{item_id}" not in both["paths"]


async def test_two_applications_do_not_meet() -> None:
    theirs = await document_of(fastapi_application())
    both = merged(OURS, [Guest("old", "/old", theirs), Guest("older", "/older", theirs)])
    check(both)
    ids = [operation["operationId"] for item in both["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


OLD: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Old", "version": "1"},
    "security": [{"key": []}],
    "tags": [{"name": "pets", "description": "All pets"}],
    "paths": {
        "/pets/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                {"$ref": "#/components/parameters/Page"},
            ],
            "get": {
                "tags": ["pets"],
                "responses": {
                    "200": {
                        "description": "A pet",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Pet"},
                                "example": {"$ref": "#/components/schemas/Pet"},
                            }
                        },
                        "links": {"again": {"operationId": "get_/pets/{id}"}},
                    }
                },
            },
            "delete": {"security": [], "responses": {"204": {"$ref": "#/components/responses/Gone"}}},
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "k"}},
        "parameters": {"Page": {"name": "page", "in": "query", "schema": {"type": "integer", "nullable": True}}},
        "responses": {"Gone": {"description": "Gone"}},
        "schemas": {
            "Pet": {
                "oneOf": [{"$ref": "#/components/schemas/Cat"}],
                "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat"}},
            },
            "Cat": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "nullable": True, "enum": ["cat"]},
                    "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "example": {"$ref": "#/components/schemas/Pet"},
                    "mother": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Pet"}]},
                },
            },
        },
    },
}


def test_an_older_document_is_rewritten() -> None:
    both = merged(OURS, [Guest("legacy", "/", OLD)])
    check(both)
    item, schemas = both["paths"]["/pets/{id}"], both["components"]["schemas"]
    assert [p.get("name") or p["$ref"] for p in item["get"]["parameters"]] == [
        "id",
        "#/components/parameters/legacy.Page",
    ]
    assert item["get"]["security"] == [{"legacy.key": []}]
    assert item["delete"]["security"] == []
    answered = item["get"]["responses"]["200"]["content"]["application/json"]
    assert answered["schema"] == {"$ref": "#/components/schemas/legacy.Pet"}
    assert answered["example"] == {"$ref": "#/components/schemas/Pet"}, "data, not a reference"
    cat = schemas["legacy.Cat"]["properties"]
    assert cat["kind"] == {"type": ["string", "null"], "enum": ["cat", None]}
    assert cat["age"] == {"type": "integer", "exclusiveMinimum": 0}
    assert cat["example"] == {"$ref": "#/components/schemas/legacy.Pet"}
    assert cat["mother"]["anyOf"][1] == {"type": "null"}
    assert schemas["legacy.Pet"]["discriminator"]["mapping"] == {"cat": "#/components/schemas/legacy.Cat"}
    assert {"name": "legacy: pets", "description": "All pets"} in both["tags"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 200), (b"[]", 200), (b'{"swagger": "2.0", "paths": {}}', 200), (b'{"openapi": "3.1.0"}', 404)],
)
async def test_an_application_without_one_is_left_out(body: bytes, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, body, status)

    assert await document_of(app) is None


async def test_one_is_asked_for_over_asgi_where_it_is_mounted() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (scope["root_path"], scope["path"]) == ("/old", "/old/schema")
        assert (await receive())["type"] == "http.request"
        await answer(send, b'{"openapi": "3.1.0", "paths": {}}')

    assert await ask_document(app, app, "/old", "/schema") == {"openapi": "3.1.0", "paths": {}}


async def test_one_that_fails_to_make_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("calve.transport.adopt.documents.ASK_SECONDS", 0)
    assert await document_of(stuck) is None
    app = FastAPI()
    app.openapi = lambda: {"openapi": {1, 2}}  # type: ignore[method-assign]
    assert await document_of(app) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["#/components/schemas/X", "#/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$ref", "schema", "properties", "parameters", "tags", "get", "nullable", "type", "mapping"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(components=json_values, paths=st.dictionaries(st.sampled_from(["/a", "/b/{x}", "c"]), json_values, max_size=3))
def test_whatever_it_says_ours_stays(components: Any, paths: Any) -> None:
    guest = Guest("legacy", "/", {"openapi": "3.0.0", "components": components, "paths": paths, "tags": components})
    try:
        both = merged(OURS, [guest])
    except Exception:  # noqa: BLE001  (a unit then leaves it out)
        return
    assert both["paths"]["/items/{sku}"]["get"] == OURS["paths"]["/items/{sku}"]["get"]
    assert both["components"]["schemas"]["Item"] == OURS["components"]["schemas"]["Item"]
