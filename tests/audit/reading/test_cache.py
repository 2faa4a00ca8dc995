"""Facts are kept by content, and a damaged cache harms nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from calve.audit.discover import discover
from calve.audit.reading.cache import FactsCache, content_key, default_folder
from calve.audit.reading.pool import read_files


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    project, cache = tmp_path / "project", FactsCache(tmp_path / "cache")
    project.mkdir()
    (project / "a.py").write_text("import b\n")
    (project / "b.py").write_text("x = 1\n")
    assert read_files(discover(project), cache, processes=1).cached == 0
    (project / "b.py").write_text("y = 1\n")
    reading = read_files(discover(project), cache, processes=1)
    assert reading.cached == 1
    assert reading.facts["b.py"].defined == ["y"]


@pytest.mark.parametrize("damage", [b"", b"\xff", msgspec.msgpack.encode(("older", {b"k": 1}))])
def test_a_damaged_or_older_cache_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    cache = FactsCache(tmp_path)
    cache.save({content_key(b"x"): msgspec.Raw(msgspec.msgpack.encode(1))})
    assert list(cache.load()) == [content_key(b"x")]
    (tmp_path / "facts").write_bytes(damage)
    assert cache.load() == {}


def test_projects_have_folders_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder("/a") != default_folder("/b")
    assert default_folder("/a").is_relative_to(tmp_path)
