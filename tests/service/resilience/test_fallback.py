"""What may be a fallback, and what not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from calve.contract import describe
from calve.service.resilience.fallback import make_fallback

from .conftest import Shop

OPERATIONS = describe(Shop).operations


def test_an_answer_or_a_function_of_the_arguments() -> None:
    find = OPERATIONS["find"]
    request = find.request("a")
    assert make_fallback(find, msgspec.UNSET) is None
    for given in ("nothing", lambda text: "nothing", lambda **arguments: "nothing"):
        fallback = make_fallback(find, given)
        assert fallback is not None
        assert fallback(request) == "nothing"


async def asynchronous(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("operation", "given", "text"),
    [
        ("buy", "bought", "a command has no fallback"),
        ("watch", "x", "a stream has no fallback"),
        ("find", 1, r"is no answer of Shop\.find: Expected `str`"),
        ("find", asynchronous, "async function"),
        ("find", lambda: "x", "does not take the arguments"),
    ],
)
def test_nothing_else(operation: str, given: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make_fallback(OPERATIONS[operation], given)
