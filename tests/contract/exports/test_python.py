"""The Python client: it stands alone, is strictly typed, and carries every type to a real edge and back."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from mypy import api

from calve import CallContext
from calve.contract import Endpoint, describe
from calve.contract.exports import python
from calve.contract.lock import Described
from calve.core.errors import UnknownOperation
from calve.transport.rest import RestEdge

from . import everything as real

KEY = UUID("6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01")


USE = """
from everything_client import *
async def f(client: EverythingClient) -> str:
    return (await client.node("a")).name
async def g(client: EverythingClient) -> None:
    await client.node(5)
"""


@pytest.fixture
def module(tmp_path: Path, everything: Described, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The exported module, imported."""
    path = tmp_path / "everything_client.py"
    path.write_text(python(everything))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, made)
    spec.loader.exec_module(made)
    return made


class Service:
    """What stands behind the edge; keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.keys: list[str | None] = []

    async def handle(self, context: CallContext, request: Any) -> Any:
        """Give back what came, or refuse."""
        self.requests.append(request)
        self.keys.append(context.given_key)
        name = getattr(request, "name", getattr(request, "import_", ""))
        if name == "nobody":
            raise real.NotThere(name=name)
        if name == "broken":
            raise UnknownOperation("there is none")
        if hasattr(request, "import_"):
            return real.Node(name=name, children=(real.Node(name="b"),))
        return getattr(request, "scalars", getattr(request, "shapes", None))

    async def prices(self, context: CallContext, request: Any) -> dict[str, Decimal]:
        """Prices."""
        return {"a": Decimal("0.10")}

    async def points(self, context: CallContext, request: Any) -> AsyncIterator[real.Point]:
        """So many points; one too many for an error in the middle."""
        for number in range(request.upto):
            if number == 3:
                raise UnknownOperation("no more")
            yield real.Point(x=number)


@pytest.fixture
async def edge() -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """A real edge and a client of httpx for it."""
    service = Service()
    operations = describe(real.Everything).operations
    endpoints = [
        Endpoint(
            "everything",
            operation,
            service.prices if name == "prices" else service.handle,
            service.points if operation.streaming else None,
        )
        for name, operation in operations.items()
    ]
    app: Any = RestEdge(endpoints, title="all", version="1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as http:
        yield service, http


def test_it_stands_alone_and_is_strictly_typed(tmp_path: Path, everything: Described) -> None:
    text = python(everything)
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")])
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - sys.stdlib_module_names == {"httpx"}
    (tmp_path / "everything_client.py").write_text(text)
    (tmp_path / "use.py").write_text(USE)
    cache = ["--cache-dir", str(tmp_path / "cache")]
    out, err, code = api.run(["--strict", "--no-error-summary", *cache, str(tmp_path / "everything_client.py")])
    assert (out, err, code) == ("", "", 0)
    out, _, _ = api.run(["--strict", "--no-error-summary", *cache, str(tmp_path / "use.py")])
    assert out.count("error:") == 1, out
    assert 'use.py:6: error: Argument 1 to "node" of "EverythingClient" has' in out


async def test_every_scalar_goes_there_and_back(module: Any, edge: tuple[Service, httpx.AsyncClient]) -> None:
    service, http = edge
    sent = module.Scalars(
        i=-(2**63),
        f=0.25,
        b=True,
        s="é✓",
        y=b"\x00\xff",
        u=KEY,
        d=date(2026, 2, 28),
        t=time(3, 4, 5),
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        local=datetime(2026, 1, 2, 3, 4),
        span=-timedelta(days=1, seconds=2, microseconds=3),
        money=Decimal("12.50"),
        anything={"a": [1, None]},
        color=module.Color.DARK_RED,
        size=module.Size.LARGE,
        open=module.Open.A,
        word="b",
        digit=2,
    )
    assert await module.EverythingClient(http).scalars(sent, idempotency_key="k1") == sent
    arrived = service.requests[0].scalars
    assert (arrived.span, arrived.color, arrived.size) == (sent.span, real.Color.DARK_RED, real.Size.LARGE)
    assert service.keys == ["k1"]


async def test_every_shape_goes_there_and_back(module: Any, edge: tuple[Service, httpx.AsyncClient]) -> None:
    service, http = edge
    sent = module.Shapes(
        pay=module.Cash(cents=5),
        text_or_number=7,
        pays=(module.Card(number="1"), module.Cash(cents=1)),
        matrix=((1.0,), ()),
        by_name={"p": module.Point(x=1.5)},
        by_number={3: ("a",)},
        unique=frozenset({module.Color.RED}),
        pair=(1, "x"),
        gaps=(None, 2),
        list_or_nothing=None,
        node=module.Node(name="a", children=(module.Node(name="b", parent=module.Node(name="c")),)),
        result=module.Result(class_="x"),
        limit=9,
    )
    got = await module.EverythingClient(http).shapes("a/b c", sent)
    assert got == module.dataclasses.replace(sent, id=UUID(int=1))
    assert service.requests[0].name == "a/b c"
    assert service.requests[0].when is None
    assert (got.tags, got.color, got.span, got.nick) == ((), module.Color.RED, timedelta(minutes=5), module.UNSET)


async def test_what_is_not_given_is_left_to_the_service(module: Any, edge: tuple[Service, httpx.AsyncClient]) -> None:
    service, http = edge
    client = module.EverythingClient(http)
    node = await client.node("x", colors=(module.Color.RED, module.Color.DARK_RED), size=4)
    assert node == module.Node(name="x", children=(module.Node(name="b"),))
    asked = service.requests[0]
    assert (asked.deep, asked.colors, asked.size) == (False, (real.Color.RED, real.Color.DARK_RED), 4)
    assert await client.prices() == {"a": Decimal("0.10")}
    assert await client.delete("x") is None


async def test_declared_errors_are_raised_and_others_told(module: Any, edge: tuple[Service, httpx.AsyncClient]) -> None:
    client = module.EverythingClient(edge[1])
    with pytest.raises(module.NotThere) as caught:
        await client.node("nobody")
    assert (caught.value.name, caught.value.STATUS, str(caught.value)) == ("nobody", 404, "NotThere(name='nobody')")
    with pytest.raises(module.CallFailed, match="unknown_operation: there is none") as failed:
        await client.delete("broken")
    assert failed.value.problem["code"] == "unknown_operation"


async def test_streams(module: Any, edge: tuple[Service, httpx.AsyncClient]) -> None:
    client = module.EverythingClient(edge[1])
    assert [p async for p in client.points(2)] == [module.Point(x=0.0), module.Point(x=1.0)]
    with pytest.raises(module.CallFailed, match="no more"):
        _ = [p async for p in client.points(5)]
