"""Where units find each other."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.runtime.endpoints import (
    Published,
    SupervisorFile,
    private_folder,
    published_path,
    read_endpoints,
    read_supervisor,
    remove_stale,
    socket_path,
    write_endpoints,
)


def test_the_folder_is_private_short_and_goes_away() -> None:
    with private_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.name.startswith("calve-")
        socket_path(folder, "x").touch()
    assert not folder.exists()


def test_no_folder_for_sockets_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with (
        pytest.raises(ConfigError, match=r"TMPDIR: no folder for the units' sockets: .*; set TMPDIR"),
        private_folder(),
    ):
        pass


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"TMPDIR: .*x\.sock is too long for a socket \(at most 103 bytes\); set TMPDIR"
    ):
        socket_path(tmp_path / ("é" * 50), "x")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_endpoints(tmp_path / "e.json", {"wallet": ["tcp://money:7000"], "orders": []})
    assert read_endpoints(tmp_path / "e.json") == {"wallet": ["tcp://money:7000"], "orders": []}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"services": {"wallet": "tcp://money:7000"}}', '{"services": {'])
def test_what_is_no_discovery_file_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "e.json").write_text(content)
    with pytest.raises(ConfigError, match=r"e\.json: is no discovery file; write for example"):
        read_endpoints(tmp_path / "e.json")


def test_a_discovery_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"e\.json: cannot be read: No such file"):
        read_endpoints(tmp_path / "e.json")


def test_replacing_the_file_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    write_endpoints(path, {"wallet": ["tcp://a:1"]})
    before = path.stat().st_ino
    write_endpoints(path, {"wallet": ["tcp://b:1"]})
    assert json.loads(path.read_text()) == {"services": {"wallet": ["tcp://b:1"]}}
    assert path.stat().st_ino != before, "written in place: a reader could see a part"
    assert list(tmp_path.iterdir()) == [path]


def test_endpoints_are_published_for_the_time_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "project").mkdir()
    published = Published(tmp_path / "private", tmp_path / "project")
    assert read_supervisor(tmp_path / "project") is None
    published.announce(SupervisorFile(7, "split", "/tmp/control"))
    for addresses in (["tcp://a:1"], ["tcp://a:1", "tcp://b:1"]):
        published.update({"wallet": addresses})
        assert read_endpoints(published.path) == {"wallet": addresses}
        assert read_endpoints(published_path(tmp_path / "project")) == {"wallet": addresses}
    assert read_supervisor(tmp_path / "project") == SupervisorFile(7, "split", "/tmp/control")
    published.close()
    assert list((tmp_path / "project" / ".calve").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".calve").touch()
    published = Published(tmp_path, tmp_path)
    published.announce(SupervisorFile(7, "split", "/tmp/control"))
    published.update({})
    published.close()
    assert (tmp_path / ".calve").read_bytes() == b""
    assert read_endpoints(tmp_path / "endpoints.json") == {}


def test_what_a_killed_supervisor_left_behind_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("calve-dead", "calve-other", "else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "money.sock").touch()
    (tmp_path / "calve-dead" / "lock").touch()
    with private_folder() as alive, private_folder() as also:
        assert {path.name for path in tmp_path.iterdir()} == {"calve-other", "else", alive.name, also.name}
        assert remove_stale(tmp_path) == []
