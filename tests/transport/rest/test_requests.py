"""Calls as HTTP requests: what one edge of ours writes, the other reads as the same values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve import Contract, InvalidArgument, Message, command, query
from calve.contract import Operation, describe
from calve.contract.binding import bind
from calve.transport.rest.arguments import Arguments
from calve.transport.rest.requests import RequestMaker
from calve.transport.rest.router import Router


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Note(Message):
    text: str
    stars: int = 0


class Desk(Contract, Protocol, version="1.0"):
    @query(http="GET /a/{owner}/{day}")
    async def look(
        self,
        owner: str,
        day: date,
        ids: tuple[int, ...] = (),
        at: datetime | None = None,
        exact: bool = False,
        price: Decimal = Decimal(0),
        colour: Colour = Colour.RED,
        words: list[str] | None = None,
    ) -> None: ...

    @command(http="PUT /notes/{number}")
    async def whole(self, number: int, note: Note) -> None: ...

    @command(http="POST /notes/{owner}/more")
    async def parts(self, owner: UUID, text: str, stars: int = 3) -> None: ...

    @command(http="POST /notes")
    async def both(self, left: Note, right: Note) -> None: ...

    @command(http="DELETE /notes/{owner}")
    async def drop(self, owner: UUID, why: str | None = None) -> None: ...


OPERATIONS = describe(Desk).operations


def read_back(operation: Operation, request: Any) -> Any:
    """What the edge makes of the request of a call."""
    made = RequestMaker(operation).make(request)
    path, _, target_query = made.target.partition("?")
    assert operation.http is not None
    router: Router[str] = Router()
    router.add(operation.http.method, operation.http.path, "x", "x")
    match = router.find_raw(path.encode())
    assert match is not None
    assert made.method == operation.http.method
    arguments = Arguments(operation, nesting_max=64)
    return arguments.read(match.values, target_query.encode(), made.body or b"")


texts = st.text(min_size=1, max_size=8).filter(lambda text: text not in (".", "..") and text.isprintable())


@given(
    owner=texts,
    day=st.dates(),
    ids=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3).map(tuple),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    exact=st.booleans(),
    price=st.decimals(allow_nan=False, allow_infinity=False, places=3),
    colour=st.sampled_from(Colour),
    words=st.none() | st.lists(texts, min_size=1, max_size=3),
)
def test_what_is_written_is_read_as_the_same(**values: Any) -> None:
    request = OPERATIONS["look"].request(**values)
    assert read_back(OPERATIONS["look"], request) == request


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("whole", {"number": 7, "note": Note(text="ä", stars=2)}),
        ("parts", {"owner": UUID(int=1), "text": "x y/z"}),
        ("both", {"left": Note(text="1"), "right": Note(text="2")}),
        ("drop", {"owner": UUID(int=1)}),
        ("drop", {"owner": UUID(int=1), "why": "a&b=c"}),
    ],
)
def test_bodies_too(name: str, values: dict[str, Any]) -> None:
    request = OPERATIONS[name].request(**values)
    assert read_back(OPERATIONS[name], request) == request
    assert (RequestMaker(OPERATIONS[name]).make(request).body is None) == (bind(OPERATIONS[name]).body is None)


def test_defaults_are_left_out() -> None:
    made = RequestMaker(OPERATIONS["look"]).make(OPERATIONS["look"].request("ann", date(2030, 1, 2)))
    assert made.target == "/a/ann/2030-01-02"


@pytest.mark.parametrize("owner", ["", ".", ".."])
def test_what_would_be_another_path_is_refused(owner: str) -> None:
    with pytest.raises(InvalidArgument, match="cannot be a segment of a path") as caught:
        RequestMaker(OPERATIONS["look"]).make(OPERATIONS["look"].request(owner, date(2030, 1, 2)))
    assert caught.value.field == "$.owner"


def test_what_does_not_fit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InvalidArgument, match="Expected `int`"):
        RequestMaker(OPERATIONS["whole"]).make(OPERATIONS["whole"].request("x", Note(text="")))
