"""What the letters promise: everybody who joins gets one, and no more than one."""

from __future__ import annotations

from typing import Annotated, Protocol

from calve import Contract, Meta, query


class Letters(Contract, Protocol, version="1.0"):
    """Letters to members."""

    @query(http="GET /letters/{name}", timeout_seconds=30)
    async def box(self, name: str, wait_seconds: Annotated[float, Meta(ge=0, le=20)] = 0) -> tuple[str, ...]:
        """Somebody's letters; waits for the first one."""
        ...
