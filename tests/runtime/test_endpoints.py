"""Where units find each other."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.runtime.endpoints import (
    private_folder,
    published,
    published_path,
    read_endpoints,
    socket_path,
    write_endpoints,
    write_plan,
)
from calve.runtime.plan import make_plan

from .conftest import MakeConfig


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


def test_a_plan_says_where_each_service_is(make_config: MakeConfig, short_tmp: Path) -> None:
    config = make_config()
    path = write_plan(short_tmp, make_plan(config, config.topologies["split"]))
    assert json.loads(path.read_text()) == {
        "services": {
            "catalog": [f"unix:{short_tmp}/goods.sock"],
            "orders": [f"unix:{short_tmp}/front.sock"],
            "wallet": [f"unix:{short_tmp}/money.sock"],
        }
    }


def test_replacing_the_file_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    write_endpoints(path, {"wallet": ["tcp://a:1"]})
    before = path.stat().st_ino
    write_endpoints(path, {"wallet": ["tcp://b:1"]})
    assert json.loads(path.read_text()) == {"services": {"wallet": ["tcp://b:1"]}}
    assert path.stat().st_ino != before, "written in place: a reader could see a part"
    assert list(tmp_path.iterdir()) == [path]


def test_endpoints_are_published_for_the_time_of_the_run(tmp_path: Path) -> None:
    source = tmp_path / "endpoints.json"
    write_endpoints(source, {"wallet": ["tcp://a:1"]})
    with published(tmp_path, source):
        assert published_path(tmp_path).read_bytes() == source.read_bytes()
    assert not published_path(tmp_path).exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    source = tmp_path / "endpoints.json"
    write_endpoints(source, {})
    (tmp_path / ".calve").touch()
    with published(tmp_path, source):
        assert (tmp_path / ".calve").read_bytes() == b""
