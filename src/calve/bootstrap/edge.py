"""The REST edge of a unit, made after calve.toml; the runners of the testing room use it, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..contract import Endpoint
from ..transport.rest import Page, RestEdge, RestOptions
from .application import Application
from .extensions import load_authenticator


def make_edge(
    application: Application, endpoints: Iterable[Endpoint], pages: Mapping[str, Page] | None = None
) -> RestEdge:
    """The REST edge of a project.

    Args:
        application: Started; the authenticator may call its services.
        endpoints: What it serves.
        pages: Extra pages by path.
    Raises: ConfigError: the authenticator cannot be loaded, or two operations claim one path.
    """
    config, base = application.config, application.base
    return RestEdge(
        endpoints,
        title=config.app.name,
        version=config.app.version,
        description=config.app.description,
        options=RestOptions(body_bytes_max=config.http.body_bytes_max, nesting_max=config.http.nesting_max),
        authenticate=load_authenticator(config, base, application.stub_for),
        pages=pages,
        clock=base.clock,
    )
