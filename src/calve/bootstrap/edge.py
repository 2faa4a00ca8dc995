"""The REST edge of a unit, made after calve.toml; the runners of the testing room use it, too."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..contract import Endpoint
from ..core.errors import ConfigError
from ..transport.adopt import Guest, merged
from ..transport.rest import Page, RestEdge, RestOptions
from .application import Application
from .extensions import load_authenticator


def make_edge(
    application: Application, endpoints: Iterable[Endpoint], pages: Mapping[str, Page] | None = None
) -> RestEdge:
    """The REST edge of a project.

    Args:
        application: Started; the authenticator may call its services.
        endpoints: What it serves, beside the adopted applications.
        pages: Extra pages by path.
    Raises: ConfigError: the authenticator cannot be loaded, or two operations claim one path.
    """
    config, base, adopted = application.config, application.base, application.adopted
    make = functools.partial(
        RestEdge,
        list(endpoints),
        title=config.app.name,
        version=config.app.version,
        description=config.app.description,
        options=RestOptions(body_bytes_max=config.http.body_bytes_max, nesting_max=config.http.nesting_max),
        authenticate=load_authenticator(config, base, application.stub_for),
        pages=pages,
        guests=None if adopted is None else adopted.mounts,
        clock=base.clock,
    )
    if adopted is None or not adopted.guests:
        return make()
    try:
        return make(amend=functools.partial(_merged, adopted.guests))
    except ConfigError:
        raise
    except Exception as error:  # a malformed document must not keep the unit from starting
        names = ", ".join(guest.service for guest in adopted.guests)
        base.log.exception("OpenAPI documents of adopted applications left out", error=error, services=names)
        return make()


def _merged(guests: Sequence[Guest], ours: dict[str, Any]) -> dict[str, Any]:
    return merged(ours, guests)
