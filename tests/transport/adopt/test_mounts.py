"""The longest mount wins, and only whole segments count."""

from __future__ import annotations

import pytest

from calve.transport.adopt import Mounts

from .conftest import Adopter


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/", "/"),
        ("/x", "/"),
        ("/old", "/old"),
        ("/old/", "/old"),
        ("/old/items", "/old"),
        ("/older", "/"),
        ("/old/admin", "/old/admin"),
        ("/old/admin/x", "/old/admin"),
        ("/old/administrator", "/old"),
    ],
)
async def test_who_gets_a_path(adopter: Adopter, path: str, mount: str) -> None:
    mounts = Mounts([adopter.make(lambda: None, mount=m) for m in ("/", "/old/admin", "/old")])
    found = mounts.find(path)
    assert found is not None
    assert found.mount == mount


async def test_nobody_may_get_it(adopter: Adopter) -> None:
    assert Mounts([adopter.make(lambda: None, mount="/old")]).find("/new") is None
