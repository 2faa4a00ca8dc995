"""OpenAPI: a valid document that promises what the edge does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
import pydantic
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from calve.contract import Contract, DomainError, Message, command, describe, query
from calve.contract.openapi import openapi


class Balance(Message):
    """What is in a wallet."""

    owner: UUID
    cents: int
    version: int


class Problem(Message):
    """Has the name of a component of every document."""

    words: str


class Profile(pydantic.BaseModel):
    """A pydantic model as an answer."""

    name: str
    version: str


class InsufficientFunds(DomainError):
    """There is not enough money."""

    status = 409
    missing_cents: int


class Frozen(DomainError):
    """Nobody may touch this wallet."""

    status = 409


class NoSuchWallet(DomainError):
    """There is no wallet of this owner."""

    status = 404


class Wallet(Contract, Protocol, version="1.3"):
    """Money held for a customer."""

    @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds, Frozen, NoSuchWallet], role="wallet:write")
    async def debit(self, owner: UUID, cents: Annotated[int, msgspec.Meta(gt=0)], note: str = "") -> Balance:
        """Take money.

        There must be enough.
        """
        ...

    @query(http="GET /wallets/{owner}", raises=[NoSuchWallet])
    async def balance(self, owner: UUID) -> Balance: ...

    @query(http="GET /wallets")
    async def search(self, name: str, limit: int = 10, ids: tuple[UUID, ...] = ()) -> tuple[Balance, ...]: ...

    @command(http="PUT /problems/{name}")
    async def tell(self, name: str, problem: Problem) -> None: ...

    @command(http="DELETE /wallets/{owner}", status=202)
    async def close(self, owner: UUID, force: bool = False) -> Problem | None: ...

    @query(http="GET /wallets/{owner}/history")
    def history(self, owner: UUID) -> AsyncIterator[Balance]: ...

    @query(http="GET /profile")
    async def profile(self) -> Profile: ...

    @command(http="PATCH /defaults")
    async def defaults(self, name: str = "x") -> None: ...

    @command()
    async def internal(self) -> None: ...


@pytest.fixture
def document() -> dict[str, Any]:
    return openapi(
        [("wallet", describe(Wallet))],
        title="Bank",
        version="2",
        description="A bank.",
        servers=["https://bank.example"],
    )


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def test_it_is_valid_and_plain(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert json.loads(json.dumps(document)) == document


def test_an_empty_application_has_a_valid_document_too() -> None:
    empty = openapi([], title="x", version="1")
    OpenAPIV31SpecValidator(empty).validate()
    assert (empty["servers"], empty["tags"], empty["paths"]) == ([{"url": "/"}], [], {})


def test_it_names_the_application_and_its_services(document: dict[str, Any]) -> None:
    assert document["info"] == {"title": "Bank", "version": "2", "description": "A bank."}
    assert document["servers"] == [{"url": "https://bank.example"}]
    assert document["tags"] == [{"name": "wallet", "description": "Money held for a customer.\n\nContract Wallet 1.3"}]


def test_operations_with_a_rule_are_there_and_no_others(document: dict[str, Any]) -> None:
    found = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert found == {f"wallet.{name}" for name in describe(Wallet).operations} - {"wallet.internal"}


def test_an_operation_says_what_it_is(document: dict[str, Any]) -> None:
    debit = document["paths"]["/wallets/{owner}/debits"]["post"]
    assert (debit["summary"], debit["description"]) == ("Take money.", "There must be enough.")
    assert debit["tags"] == ["wallet"]
    assert debit["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "security" not in document["paths"]["/wallets"]["get"]


def test_parameters_are_where_the_edge_reads_them(document: dict[str, Any]) -> None:
    search = {p["name"]: p for p in document["paths"]["/wallets"]["get"]["parameters"]}
    assert [(p["in"], p["required"]) for p in search.values()] == [("query", True), ("query", False), ("query", False)]
    assert search["limit"]["schema"]["default"] == 10
    assert search["ids"]["schema"] == {"type": "array", "items": {"type": "string", "format": "uuid"}, "default": []}
    tell = document["paths"]["/problems/{name}"]["put"]
    assert tell["parameters"][0]["schema"] == {"type": "string", "minLength": 1}
    assert tell["requestBody"]["required"] is True
    words = resolve(document, tell["requestBody"]["content"]["application/json"]["schema"])
    assert words["properties"] == {"words": {"type": "string"}}


def test_bodies_have_a_member_per_parameter(document: dict[str, Any]) -> None:
    debit = document["paths"]["/wallets/{owner}/debits"]["post"]
    body = resolve(document, debit["requestBody"]["content"]["application/json"]["schema"])
    assert (list(body["properties"]), body["required"]) == (["cents", "note"], ["cents"])
    assert document["paths"]["/defaults"]["patch"]["requestBody"]["required"] is False


def test_commands_take_an_idempotency_key(document: dict[str, Any]) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    for item in document["paths"].values():
        for method, operation in item.items():
            assert (key in operation.get("parameters", [])) is (method != "get")


def test_what_becomes_of_a_repeated_command_is_promised(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for method, operation in item.items():
            responses = operation["responses"]
            good = next(answer for status, answer in responses.items() if status[0] == "2")
            command = method != "get"
            assert ("Idempotency-Replayed" in good.get("headers", {})) is command
            assert ("422" in responses) is command
            assert ("Retry-After" in responses.get("409", {}).get("headers", {})) is command


def test_answers_have_their_status_and_type(document: dict[str, Any]) -> None:
    paths = document["paths"]
    balance = paths["/wallets/{owner}"]["get"]["responses"]
    assert resolve(document, balance["200"]["content"]["application/json"]["schema"])["title"] == "Balance"
    assert "ETag" in balance["200"]["headers"]
    assert "304" in balance
    assert "ETag" in paths["/profile"]["get"]["responses"]["200"]["headers"]
    assert "headers" not in paths["/wallets"]["get"]["responses"]["200"]
    done = paths["/problems/{name}"]["put"]["responses"]["204"]
    assert (done["description"], set(done)) == ("Done", {"description", "headers"})
    assert "content" in paths["/wallets/{owner}"]["delete"]["responses"]["202"]


def test_a_stream_comes_in_two_forms(document: dict[str, Any]) -> None:
    content = document["paths"]["/wallets/{owner}/history"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"text/event-stream", "application/x-ndjson"}
    assert {media["x-item"]["$ref"] for media in content.values()} == {"#/components/schemas/Balance"}


def test_every_declared_error_is_a_problem_with_its_fields(document: dict[str, Any]) -> None:
    responses = document["paths"]["/wallets/{owner}/debits"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "409", "413", "415", "422", "default"}
    conflict = responses["409"]
    assert conflict["description"].endswith("key; or There is not enough money; or Nobody may touch this wallet")
    assert conflict["content"]["application/problem+json"]["schema"]["anyOf"][-1]["$ref"].endswith("/Problem")
    options = conflict["content"]["application/problem+json"]["schema"]["anyOf"]
    funds = resolve(document, options[0])
    assert funds["properties"]["type"] == {"const": "urn:calve:error:wallet:InsufficientFunds"}
    assert funds["required"] == ["type", "title", "status", "code", "missing_cents"]
    missing = responses["404"]["content"]["application/problem+json"]["schema"]["anyOf"]
    assert [ref["$ref"].rpartition("/")[2] for ref in missing] == ["wallet.NoSuchWallet", "Problem"]


def test_the_standard_problem_keeps_its_name(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "may_have_run" in schemas["Problem"]["properties"]
    assert sum("words" in schema.get("properties", {}) for schema in schemas.values()) == 1
