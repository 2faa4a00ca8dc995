"""Failures: the same class, text and promise about having run, on every runner, and one service further."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from divergence_echo import FAILURES
from divergence_types import AlsoDeclared, Declared

from calve import CallError, DomainError
from calve.core import errors

pytestmark = pytest.mark.asyncio(loop_scope="module")

DECLARED = Declared(text="grüße", number=7, rows=(1, 2), when=datetime(2026, 1, 2))

# What the caller of the failing operation gets: class, text, field, whether it may have run.
DIRECT: dict[str, tuple[type[CallError], str, str | None, bool]] = {
    "undeclared": (
        errors.InternalError,
        "divergence_echo.fail failed with Undeclared, which its contract does not declare",
        None,
        True,
    ),
    "malformed": (errors.InternalError, "divergence_echo.fail failed with a malformed Declared", None, True),
    "value_error": (errors.InternalError, "divergence_echo.fail failed with ValueError", None, True),
    "key_error": (errors.InternalError, "divergence_echo.fail failed with KeyError", None, True),
    "timeout": (errors.InternalError, "divergence_echo.fail failed with TimeoutError", None, True),
    "stray_cancellation": (errors.InternalError, "divergence_echo.fail failed with CancelledError", None, True),
    "stop_iteration": (errors.InternalError, "divergence_echo.fail failed with StopAsyncIteration", None, True),
    "group": (errors.InternalError, "divergence_echo.fail failed with ExceptionGroup", None, True),
    "recursion": (errors.InternalError, "divergence_echo.fail failed with RecursionError", None, True),
    "config": (errors.InternalError, "divergence_echo.fail failed with ConfigError", None, True),
    "store": (errors.InternalError, "divergence_echo.fail failed with StoreError", None, True),
    "protocol": (errors.InternalError, "divergence_echo.fail failed with ProtocolError", None, True),
    "invalid": (errors.InvalidArgument, "not in stock", "$.items[1].sku", False),
    "invalid_later": (errors.InvalidArgument, "not any more", "$", True),
    "unavailable": (errors.Unavailable, "try later", None, True),
    "unavailable_before": (errors.Unavailable, "did nothing", None, False),
    "overloaded": (errors.Overloaded, "too many", None, False),
    "denied": (errors.PermissionDenied, "not yours", None, False),
    "unauthenticated": (errors.Unauthenticated, "who are you", None, False),
    "unknown": (errors.UnknownOperation, "no such thing", None, False),
    "cancelled": (errors.Cancelled, "stopped", None, True),
    "internal": (errors.InternalError, "broken", None, True),
    "deadline": (errors.DeadlineExceeded, "took too long", None, True),
}

PASSED_ON = {"unavailable", "unavailable_before", "overloaded", "deadline"}


async def test_every_failure_is_expected() -> None:
    assert set(DIRECT) | {"declared", "also_declared"} == set(FAILURES)


async def raised(call: Any) -> BaseException:
    """What an awaitable raises."""
    try:
        await call
    except BaseException as error:  # noqa: BLE001  (a stray CancelledError would be one)
        return error
    raise AssertionError("it answered")


def seen(error: BaseException) -> tuple[type[BaseException], str, str | None, bool | None, str | None]:
    """Everything a caller can tell about an error."""
    may_have_run = getattr(error, "may_have_run", None)
    return type(error), str(error), getattr(error, "field", None), may_have_run, getattr(error, "operation", None)


@pytest.mark.parametrize("how", DIRECT)
async def test_what_the_caller_gets(echo: Any, how: str) -> None:
    assert seen(await raised(echo.fail(how))) == (*DIRECT[how], "divergence_echo.fail")


@pytest.mark.parametrize("how", DIRECT)
async def test_what_another_service_gets_and_can_handle(relay: Any, how: str) -> None:
    kind, text, _, may_have_run = DIRECT[how]
    assert await relay.caught(how) == f"{kind.code} divergence_echo.fail {may_have_run} {text}"


@pytest.mark.parametrize("how", DIRECT)
async def test_what_comes_through_another_service_that_does_not_handle_it(relay: Any, how: str) -> None:
    kind, text, _, _ = DIRECT[how]
    expected: tuple[type[CallError], str] = (kind, f"divergence_relay.fail: {text}")
    if how not in PASSED_ON:
        code = f"its call of divergence_echo.fail failed with {kind.code}"
        expected = (errors.InternalError, f"divergence_relay.fail: {code}")
    assert seen(await raised(relay.fail(how))) == (*expected, None, True, "divergence_relay.fail")


async def test_a_declared_domain_error_is_itself_with_equal_fields(echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        error = await raised(service.fail("declared"))
        assert type(error) is Declared
        assert error == DECLARED
        assert (error.text, error.number, error.rows, error.when) == ("grüße", 7, (1, 2), datetime(2026, 1, 2))
        assert str(error) == str(DECLARED)
    assert await raised(echo.fail("also_declared")) == AlsoDeclared()
    assert await relay.caught("declared") == repr(DECLARED.fields())


async def test_a_domain_error_that_only_the_callee_declares_stops_at_its_caller(relay: Any) -> None:
    error = await raised(relay.fail("also_declared"))
    text = "divergence_relay.fail failed with AlsoDeclared, which its contract does not declare"
    assert seen(error) == (errors.InternalError, text, None, True, "divergence_relay.fail")


async def test_an_invalid_argument_of_a_nested_call_is_not_the_callers_fault(relay: Any) -> None:
    error = await raised(relay.invalid())
    text = "divergence_relay.invalid: its call of divergence_echo.number failed with invalid_argument"
    assert seen(error) == (errors.InternalError, text, None, True, "divergence_relay.invalid")


async def test_failures_keep_nothing_of_the_callee(echo: Any) -> None:
    """The text of an exception may hold what the caller must not see; only its class crosses."""
    for how in FAILURES:
        assert "secret" not in str(await raised(echo.fail(how)))


async def test_errors_are_new_each_time(echo: Any) -> None:
    first, second = await raised(echo.fail("declared")), await raised(echo.fail("declared"))
    assert first == second
    assert first is not second
    assert isinstance(first, DomainError)


@pytest.mark.parametrize("end", ["undeclared", "value_error", "invalid", "unavailable", "stray_cancellation"])
async def test_a_stream_may_fail_after_its_items(echo: Any, relay: Any, end: str) -> None:
    kind, text, field, may_have_run = DIRECT[end]
    items = echo.count(2, end)
    assert [await anext(items), await anext(items)] == [0, 1]
    text = text.replace("echo.fail", "echo.count")
    assert seen(await raised(anext(items))) == (kind, text, field, may_have_run, "divergence_echo.count")
    nested = relay.count(1, end)
    assert await anext(nested) == 0
    error = await raised(anext(nested))
    assert isinstance(error, CallError)
    assert error.operation == "divergence_relay.count"
    assert type(error) is (errors.Unavailable if end == "unavailable" else errors.InternalError)


async def test_a_stream_may_end_with_a_declared_error(echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        items = service.count(1, "declared")
        assert await anext(items) == 0
        assert await raised(anext(items)) == DECLARED
        assert await raised(anext(service.count(0, "declared"))) == DECLARED


async def test_a_stream_that_failed_is_over(echo: Any) -> None:
    items = echo.count(0, "declared")
    await raised(anext(items))
    assert await anext(items, "over") == "over"
    with pytest.raises(StopAsyncIteration):
        await anext(items)


async def test_an_item_that_does_not_fit_is_the_callees_fault(echo: Any) -> None:
    items = echo.wrong_items()
    assert await anext(items) == 1
    error = await raised(anext(items))
    assert isinstance(error, errors.InternalError)
    assert (error.operation, error.may_have_run) == ("divergence_echo.wrong_items", True)
