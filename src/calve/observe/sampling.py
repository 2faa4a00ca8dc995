"""Sampling: whether a call is traced, decided by the standard variables and before any tracing library is touched.

    OTEL_TRACES_SAMPLER          root of a trace          called with a parent
      always_on                  yes                      yes
      always_off                 no                       no
      traceidratio               by trace id              by trace id
      parentbased_always_on      yes                      as the parent
      parentbased_always_off     no                       as the parent
      parentbased_traceidratio   by trace id              as the parent

"By trace id" is a property of the id (its lower 64 bits against a bound), so that services that decide on their own
decide alike. Source: OpenTelemetry specification, Trace SDK, section Sampling, and the SDK environment variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..core.trace import TraceContext

_SAMPLERS: dict[str, tuple[float | None, bool]] = {
    "always_on": (1.0, False),
    "always_off": (0.0, False),
    "traceidratio": (None, False),
    "parentbased_always_on": (1.0, True),
    "parentbased_always_off": (0.0, True),
    "parentbased_traceidratio": (None, True),
}
_LOW_64_BITS = (1 << 64) - 1


class Sampler(NamedTuple):
    """A sampling rule."""

    bound: int
    """Sampled are the trace ids whose lower 64 bits are below this: 0 is none, 2**64 is all."""
    parent_based: bool
    """Whether a parent's decision is taken over."""

    @classmethod
    def of(cls, ratio: float, *, parent_based: bool = True) -> Sampler:
        """Sample `ratio` of all traces, from 0 to 1."""
        return cls(round(ratio * (_LOW_64_BITS + 1)), parent_based)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Sampler:
        """Read OTEL_TRACES_SAMPLER (`parentbased_always_on` when unset) and OTEL_TRACES_SAMPLER_ARG (1.0 when unset).

        Raises: ConfigError: unknown sampler, or an argument that is not a number from 0 to 1.
        """
        name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() or "parentbased_always_on"
        if name not in _SAMPLERS:
            raise ConfigError(
                f"there is no sampler {name!r}", where="OTEL_TRACES_SAMPLER", fix=did_you_mean(name, _SAMPLERS)
            )
        ratio, parent_based = _SAMPLERS[name]
        return cls.of(_ratio(environ) if ratio is None else ratio, parent_based=parent_based)

    @property
    def never(self) -> bool:
        """Whether no call at all can be sampled."""
        return self.bound == 0 and not self.parent_based

    def accepts(self, trace_id: int) -> bool:
        """Decide about a trace that begins here."""
        return trace_id & _LOW_64_BITS < self.bound

    def follows(self, parent: TraceContext) -> bool:
        """Decide about a call with a parent."""
        return parent.sampled if self.parent_based else self.accepts(parent.trace_id)


def _ratio(environ: Mapping[str, str]) -> float:
    text = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    try:
        ratio = float(text) if text else 1.0
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise ConfigError(
            f"{text!r} is not a ratio",
            where="OTEL_TRACES_SAMPLER_ARG",
            fix="give a number from 0 to 1, such as 0.05 for one trace in twenty",
        )
    return ratio
