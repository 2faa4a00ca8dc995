"""The parts of a unit's transports that follow from calve.toml alone; the runners of the testing room use them, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..contract import Endpoint
from ..runtime import AppConfig
from ..service import load_object
from ..transport.rest import Page, RestEdge, RestOptions
from ..transport.wire import WireOptions


def make_edge(config: AppConfig, endpoints: Iterable[Endpoint], pages: Mapping[str, Page] | None = None) -> RestEdge:
    """The REST edge of a project.

    Args:
        endpoints: What it serves.
        pages: Extra pages by path.
    Raises: ConfigError: the authenticator cannot be loaded, or two operations claim one path.
    """
    where = config.file.where("http", "authenticator")
    authenticator = load_object(config.http.authenticator, where=where) if config.http.authenticator else None
    return RestEdge(
        endpoints,
        title=config.app.name,
        version=config.app.version,
        description=config.app.description,
        options=RestOptions(body_bytes_max=config.http.body_bytes_max, nesting_max=config.http.nesting_max),
        authenticate=authenticator() if isinstance(authenticator, type) else authenticator,
        pages=pages,
    )


def wire_options(config: AppConfig) -> WireOptions:
    """The limits of the wire."""
    return WireOptions(frame_bytes_max=config.wire.frame_bytes_max, calls_max=config.wire.calls_max)
