"""Which adopted application gets a path: the one with the longest mount that the path lies below."""

from __future__ import annotations

from collections.abc import Iterable

from .app import AdoptedApp


class Mounts:
    """The adopted applications of one unit by mount.

    Args:
        apps: Each with a mount of its own.
    """

    def __init__(self, apps: Iterable[AdoptedApp]) -> None:
        self._apps = sorted(apps, key=lambda app: -len(app.mount))

    def find(self, path: str) -> AdoptedApp | None:
        """The application for a decoded path; None when none is mounted there."""
        for app in self._apps:
            mount = app.mount
            if mount == "/" or path == mount or path.startswith(f"{mount}/"):
                return app
        return None
