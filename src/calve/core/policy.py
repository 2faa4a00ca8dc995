"""Resilience policies: what a caller does so that a call that fails harms nobody else.

    Policy            what somebody has said: a contract for an operation, or a table of calve.toml; the rest is None
    EffectivePolicy   what holds for one operation and one caller, every field filled in

Where the fields of an effective policy come from is in `calve.bootstrap.policies`; what acts on them is in
`calve.service.resilience`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .settings import Settings, option


class Policy(Settings):
    """What is said of the calls of an operation; None leaves a field to others.

    `@query(policy=Policy(attempts_max=1))` in a contract, or `[policy.<service>.<operation>]` in calve.toml.
    """

    timeout_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=86400)] | None,
        option("longest time for a call with all its attempts; 10 s", unit="seconds"),
    ] = None
    attempt_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=86400)] | None,
        option("longest time for one attempt; all that is left", unit="seconds"),
    ] = None
    attempts_max: Annotated[
        Annotated[int, Meta(ge=1, le=10)] | None,
        option("attempts of a call that fails in a way that may pass; 3, and 1 is no retry"),
    ] = None
    retry_first_seconds: Annotated[
        Annotated[float, Meta(ge=0.001, le=60)] | None,
        option("shortest pause before an attempt is repeated; 0.05", unit="seconds"),
    ] = None
    retry_pause_seconds_max: Annotated[
        Annotated[float, Meta(ge=0.001, le=600)] | None,
        option("longest pause before an attempt is repeated; 1", unit="seconds"),
    ] = None
    retry_budget: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        option("repeated attempts for each call to the service, as a share; 0.1"),
    ] = None
    breaker_calls_min: Annotated[
        Annotated[int, Meta(ge=0, le=100000)] | None,
        option("calls in the window before the breaker may open; 20, and 0 is no breaker"),
    ] = None
    breaker_failures: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None, option("share of failed calls at which the breaker opens; 0.5")
    ] = None
    breaker_window_seconds: Annotated[
        Annotated[float, Meta(ge=0.1, le=3600)] | None, option("how far back the breaker looks; 2", unit="seconds")
    ] = None
    breaker_open_seconds: Annotated[
        Annotated[float, Meta(ge=0.05, le=600)] | None,
        option("pause between two calls that try an open breaker; 1", unit="seconds"),
    ] = None
    calls_max: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        option("calls in flight from one caller; 1000, none for streams, and 0 is no limit"),
    ] = None
    queue_max: Annotated[
        Annotated[int, Meta(ge=0, le=1000000)] | None,
        option("calls of one caller that wait for one of those to end; 1000"),
    ] = None
    fallback: Any = msgspec.UNSET
    """Answer of a query that gets none: the answer itself, or a function of the operation's arguments."""


class EffectivePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one operation and one caller; the fields are those of `Policy`, with their defaults."""

    timeout_seconds: float
    attempt_seconds: float | None = None
    attempts_max: int = 3
    retry_first_seconds: float = 0.05
    retry_pause_seconds_max: float = 1.0
    retry_budget: float = 0.1
    breaker_calls_min: int = 20
    breaker_failures: float = 0.5
    breaker_window_seconds: float = 2.0
    breaker_open_seconds: float = 1.0
    calls_max: int = 1000
    queue_max: int = 1000
    fallback: Any = msgspec.UNSET


FIELDS = EffectivePolicy.__struct_fields__


def check_policy(policy: Policy) -> None:
    """Check what somebody wrote in Python, where no annotation does.

    Raises: ValueError: names the field and the limit.
    """
    for field in msgspec.structs.fields(Policy):
        value = getattr(policy, field.name)
        try:
            if field.name != "fallback":
                msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            text = str(error)
            raise ValueError(f"{field.name}: {text[:1].lower()}{text[1:]}") from None


def said(policy: Policy) -> dict[str, Any]:
    """The fields that a policy says something about."""
    found = {name: getattr(policy, name) for name in FIELDS}
    return {
        name: value for name, value in found.items() if value is not (msgspec.UNSET if name == "fallback" else None)
    }
