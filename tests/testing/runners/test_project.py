"""A project made ready for a test."""

from __future__ import annotations

import sys
from pathlib import Path

from calve.runtime import load_config
from calve.testing.runners.project import importable, prepared

from .conftest import Write

TOML = '[app]\nname = "shop"\nservices = ["little_shop"]\n[http]\nport = 9000\n'


def test_the_environment_says_the_same_as_the_config(write: Write) -> None:
    with prepared(write(toml=TOML), [], {"http.port": 7, "app.version": "9"}) as project:
        again = load_config(project.config.file.path, environ=project.environ)
        assert (project.config.http.port, again.http.port) == (7, 7)
        assert (project.config.app.version, again.app.version) == ("9", "9")
        assert again.store_url("little_shop") == f"sqlite:///{project.folder}/little_shop.db"


def test_ports_are_free_ones_and_the_folder_is_gone_afterwards(write: Write) -> None:
    with prepared(write(toml=TOML), [], {}) as project:
        assert project.config.http.port == 0
        assert project.folder.is_dir()
        assert len(str(project.folder)) < 60, "sockets live in it"
    assert not project.folder.exists()


def test_services_may_be_chosen(write: Write) -> None:
    folder = write(toml=TOML.replace('"little_shop"', '"little_shop", "shop.other"'))
    with prepared(folder, ["little_shop"], {}) as project:
        assert project.config.services == {"little_shop": "little_shop"}


def test_a_folder_is_importable_inside_the_block(tmp_path: Path) -> None:
    before = list(sys.path)
    with importable(tmp_path):
        assert sys.path == [str(tmp_path), *before]
        with importable(tmp_path):
            assert sys.path == [str(tmp_path), *before]
        assert sys.path == [str(tmp_path), *before]
    assert sys.path == before
