"""A secret never shows itself: every way out that is not `reveal()` is tried."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from calve.core.codec import Codec
from calve.core.errors import InvalidArgument
from calve.core.secret import Secret

TEXT = "hunter2-very-secret"


@pytest.fixture
def secret() -> Secret:
    return Secret(TEXT)


def test_it_is_there_when_asked_for(secret: Secret) -> None:
    assert secret.reveal() == TEXT


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda s: f"{s}",
        lambda s: f"{s!r:>30}",
        lambda s: f"{s:>30}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031  (the old way is a way out too)
        lambda s: str([s]),
        lambda s: str({"key": s}),
        lambda s: logging.LogRecord("x", 10, "f", 1, "key %s", (s,), None).getMessage(),
        lambda s: str(vars(type(s)).keys()) + str(dir(s)),
    ],
)
def test_it_is_not_in_any_text(secret: Secret, show: Callable[[Secret], str]) -> None:
    assert TEXT not in show(secret)


@pytest.mark.parametrize(
    "serialise",
    [
        pickle.dumps,
        lambda s: pickle.dumps({"deep": [s]}, protocol=0),
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        Codec(Any).encode,
        Codec(Any).encode_json,
        lambda s: s.__reduce_ex__(2),
        lambda s: s.__getstate__(),
    ],
)
def test_it_is_not_serialised(secret: Secret, serialise: Callable[[Secret], object]) -> None:
    with pytest.raises((TypeError, InvalidArgument)) as caught:
        serialise(secret)
    assert TEXT not in str(caught.value)


def test_it_has_no_dictionary(secret: Secret) -> None:
    with pytest.raises(TypeError):
        vars(secret)


def test_a_traceback_with_locals_does_not_show_it(secret: Secret) -> None:
    try:
        raise RuntimeError(secret)
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "RuntimeError: ***" in "".join(shown.format())
    assert TEXT not in "".join(line for frame in shown.stack for line in (frame.locals or {}).values())


def test_copies_are_the_same_object(secret: Secret) -> None:
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_equality_is_by_text(secret: Secret) -> None:
    assert secret == Secret(TEXT)
    assert hash(secret) == hash(Secret(TEXT))
    assert secret != Secret("other")
    assert secret != TEXT
    assert Secret("ü") != Secret("u")


def test_an_empty_one_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


def test_only_text_and_the_error_does_not_show_what_was_given() -> None:
    with pytest.raises(TypeError, match="text, not bytes") as caught:
        Secret(TEXT.encode())  # type: ignore[arg-type]
    assert TEXT not in str(caught.value)
