"""The sampler matrix, and agreement with the SDK's own rule."""

from __future__ import annotations

import random

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from calve.core.errors import ConfigError
from calve.core.trace import TraceContext
from calve.observe import Sampler

LOW, HIGH = 1, (1 << 64) - 1  # lower halves of trace ids that a ratio of 0.5 takes and leaves
YES, NO = TraceContext(LOW, 1, sampled=True), TraceContext(LOW, 1)
HIGH_YES, HIGH_NO = TraceContext(HIGH, 1, sampled=True), TraceContext(HIGH, 1)


@pytest.mark.parametrize(
    ("name", "roots", "parents"),
    [
        # roots: low id, high id · parents: sampled low, unsampled low, sampled high, unsampled high
        (None, (True, True), (True, False, True, False)),
        ("always_on", (True, True), (True, True, True, True)),
        ("always_off", (False, False), (False, False, False, False)),
        ("traceidratio", (True, False), (True, True, False, False)),
        ("parentbased_always_on", (True, True), (True, False, True, False)),
        ("parentbased_always_off", (False, False), (True, False, True, False)),
        ("parentbased_traceidratio", (True, False), (True, False, True, False)),
        (" ParentBased_TraceIdRatio ", (True, False), (True, False, True, False)),
    ],
)
def test_matrix(name: str | None, roots: tuple[bool, ...], parents: tuple[bool, ...]) -> None:
    environ = {"OTEL_TRACES_SAMPLER_ARG": "0.5"} | ({} if name is None else {"OTEL_TRACES_SAMPLER": name})
    sampler = Sampler.from_environment(environ)
    assert tuple(sampler.accepts(trace_id) for trace_id in (LOW, HIGH)) == roots
    assert tuple(sampler.follows(parent) for parent in (YES, NO, HIGH_YES, HIGH_NO)) == parents


@pytest.mark.parametrize(
    ("name", "never"), [("always_off", True), ("parentbased_always_off", False), ("always_on", False)]
)
def test_never_means_that_not_even_a_parent_can_ask_for_it(name: str, never: bool) -> None:
    assert Sampler.from_environment({"OTEL_TRACES_SAMPLER": name}).never is never


@pytest.mark.parametrize("ratio", [0.0, 1e-9, 0.05, 0.5, 0.999, 1.0])
def test_the_ratio_is_decided_as_the_sdk_does(ratio: float) -> None:
    sampler, sdk, rng = Sampler.of(ratio), TraceIdRatioBased(ratio), random.Random(7)
    edges = [sdk.bound - 1, sdk.bound, 0, (1 << 64) - 1]
    for trace_id in [*(rng.getrandbits(128) for _ in range(1000)), *(edge % (1 << 64) for edge in edges)]:
        assert sampler.accepts(trace_id) == (
            sdk.should_sample(None, trace_id, "x").decision is Decision.RECORD_AND_SAMPLE
        )


def test_an_unset_argument_is_everything() -> None:
    assert Sampler.from_environment({"OTEL_TRACES_SAMPLER": "traceidratio"}) == Sampler.of(1.0, parent_based=False)


def test_an_unknown_sampler_is_refused_with_near_misses() -> None:
    with pytest.raises(ConfigError, match=r"OTEL_TRACES_SAMPLER.*'allways_on'.*did you mean 'always_on'"):
        Sampler.from_environment({"OTEL_TRACES_SAMPLER": "allways_on"})


@pytest.mark.parametrize("argument", ["half", "-0.1", "1.1", "nan", "inf"])
def test_an_argument_that_is_no_ratio_is_refused(argument: str) -> None:
    with pytest.raises(ConfigError, match=rf"OTEL_TRACES_SAMPLER_ARG.*'{argument}'.*from 0 to 1"):
        Sampler.from_environment(
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": argument}
        )
