"""The tree of errors: complete, told apart by code, and intact after pickling."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from calve.core import errors
from calve.core.errors import (
    CALL_ERRORS,
    CallError,
    CalveError,
    Cancelled,
    CircuitOpen,
    ConfigError,
    DeadlineExceeded,
    InFlight,
    InternalError,
    InvalidArgument,
    KeyReused,
    Overloaded,
    PermissionDenied,
    ProtocolError,
    StoreError,
    Unauthenticated,
    Unavailable,
    UnknownOperation,
)


def below(cls: type[CalveError]) -> Iterator[type[CalveError]]:
    """Every class under `cls` that core declares."""
    for sub in cls.__subclasses__():
        if sub.__module__ == errors.__name__:
            yield sub
            yield from below(sub)


def test_every_call_error_can_be_found_by_its_code() -> None:
    assert {cls.code: cls for cls in below(CallError) if issubclass(cls, CallError)} == CALL_ERRORS


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for cls in below(CalveError):
        assert f" {cls.__name__} " in drawn, f"{cls.__name__} is not drawn"
    for cls in CALL_ERRORS.values():
        line = next(line for line in drawn.splitlines() if f" {cls.__name__} " in line)
        assert f" {cls.status} " in line
        assert f" {cls.fault} " in line


def test_only_errors_raised_before_the_operation_say_that_it_did_not_run() -> None:
    never_ran = {cls for cls in CALL_ERRORS.values() if not cls("x").may_have_run}
    assert never_ran == {
        InvalidArgument,
        KeyReused,
        Unauthenticated,
        PermissionDenied,
        UnknownOperation,
        Overloaded,
        CircuitOpen,
    }


def test_whoever_knows_better_says_whether_it_ran() -> None:
    assert not Unavailable("refused", may_have_run=False).may_have_run
    assert Overloaded("half way", may_have_run=True).may_have_run


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    assert {cls for cls in CALL_ERRORS.values() if cls.retryable} == {
        InFlight,
        Overloaded,
        Unavailable,
        CircuitOpen,
        DeadlineExceeded,
    }
    assert not Cancelled.retryable
    assert not InternalError.retryable


def test_a_config_error_says_where_what_and_what_next() -> None:
    assert str(ConfigError("no unit 'x'")) == "no unit 'x'"
    assert str(ConfigError("no unit 'x'", where="calve.toml:3")) == "calve.toml:3: no unit 'x'"
    error = ConfigError("no unit 'x'", where="--unit", fix="name one of: front")
    assert str(error) == "--unit: no unit 'x'; name one of: front"
    assert (error.exit_code, CalveError.exit_code) == (2, 1)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("what", where="where", fix="fix"),
        InvalidArgument("too big", field="$.cents", may_have_run=True),
        Unavailable("gone", may_have_run=False),
        DeadlineExceeded("late"),
        ProtocolError("bad frame"),
        StoreError("locked"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling(error: CalveError) -> None:
    if isinstance(error, CallError):
        error.operation = "wallet.debit"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__
