"""Plain counters of one consumer: a service and a source. The composition root exports them."""

from __future__ import annotations


class ConsumerMetrics:
    """Counts since the start. Only ever written on the event loop's thread."""

    __slots__ = ("failed", "handled", "held", "lag", "lag_ms", "parked_keys", "skipped")

    def __init__(self) -> None:
        self.handled = 0
        """Events whose handler's transaction was committed."""
        self.failed = 0
        """Runs of handlers that failed."""
        self.skipped = 0
        """Events that nobody here handles."""
        self.held = 0
        """Events that wait because an earlier one of their key has failed."""
        self.parked_keys = 0
        """Keys that wait for somebody."""
        self.lag = 0
        """Events known to be in the log and not read."""
        self.lag_ms = 0
        """How long ago the event was published that was last taken up."""
