"""Which files make up a project, what they are called, and what they are for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calve.audit.discover import discover
from calve.core.errors import ConfigError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_modules_are_named_from_the_nearest_root(tmp_path: Path) -> None:
    _touch(tmp_path, "src/shop/orders/models.py", "site/manage.py", "site/web/views.py", "tool.py", "venv/pyvenv.cfg")
    _touch(tmp_path, "venv/lib/x.py", ".hidden/y.py", "node_modules/z.py")
    assert [file.module for file in discover(tmp_path).files] == ["manage", "web.views", "shop.orders.models", "tool"]


def test_a_name_that_is_no_text_is_passed_over_and_named(tmp_path: Path) -> None:
    _touch(tmp_path, "shop/a.py")
    folder = os.fsencode(tmp_path / "shop")
    os.mkdir(os.path.join(folder, b"caf\xe9"))
    for name in (b"caf\xe9.py", b"caf\xe9.txt", b"caf\xe9/b.py"):
        with open(os.path.join(folder, name), "wb"):
            pass
    project = discover(tmp_path)
    assert [file.path for file in project.files] == ["shop/a.py"]
    assert [(gap.kind, gap.path, gap.why) for gap in project.gaps] == [
        ("unreadable", "shop/caf?", "its name is not UTF-8"),
        ("unreadable", "shop/caf?.py", "its name is not UTF-8"),
    ]


def test_roots_with_modules_of_one_name_are_told_apart(tmp_path: Path) -> None:
    _touch(tmp_path, "api/pyproject.toml", "api/app/main.py", "api/app/db.py", "api/tests/test_a.py")
    _touch(tmp_path, "worker/pyproject.toml", "worker/app/main.py", "worker/tests/test_a.py")
    _touch(
        tmp_path, "libs/log/pyproject.toml", "libs/log/corp/log.py", "libs/web/pyproject.toml", "libs/web/corp/web.py"
    )
    modules = [file.module for file in discover(tmp_path).files if file.role == "code"]
    assert modules == ["api.app.db", "api.app.main", "corp.log", "corp.web", "worker.app.main"]


def test_code_that_a_package_hides_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, "a/models.py", "a/models/__init__.py", "a/models/x.py")
    gaps = [(gap.kind, gap.path, gap.why) for gap in discover(tmp_path).gaps]
    assert gaps == [("hidden", "a/models.py", "a.models is a/models/__init__.py, too: only that is followed")]


def test_what_is_no_plain_python_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, "a/b.ipynb", "a/c.ipynb")
    with pytest.raises(ConfigError, match=r"no Python file below .*, only 2 notebooks, which are not read \(a"):
        discover(tmp_path)
    _touch(tmp_path, "a/c.pyx", "a/d.py")
    gaps = [(gap.kind, gap.path, gap.why) for gap in discover(tmp_path).gaps]
    assert gaps == [
        ("not read", "a/b.ipynb", "2 notebooks, which are not read"),
        ("not read", "a/c.pyx", "1 files of Cython, which are not read"),
    ]


def test_only_code_is_coupled(tmp_path: Path) -> None:
    _touch(tmp_path, "a/b.py", "a/tests/helper.py", "a/test_b.py", "a/migrations/0001.py", "docs/conf.py", "setup.py")
    roles = {file.path: file.role for file in discover(tmp_path).files}
    assert roles == {
        "a/b.py": "code",
        "a/tests/helper.py": "test",
        "a/test_b.py": "test",
        "a/migrations/0001.py": "migration",
        "docs/conf.py": "script",
        "setup.py": "script",
    }


def test_a_package_keeps_its_full_name(tmp_path: Path) -> None:
    _touch(tmp_path, "shop/__init__.py", "shop/orders.py")
    assert [file.module for file in discover(tmp_path / "shop").files] == ["shop", "shop.orders"]


def test_a_circle_of_links_is_read_once_and_named(tmp_path: Path) -> None:
    _touch(tmp_path, "a/b.py")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    project = discover(tmp_path)
    assert [file.path for file in project.files] == ["a/b.py"]
    assert [(gap.kind, gap.path) for gap in project.gaps] == [("symlink", "a/again")]


@pytest.mark.parametrize(
    ("name", "what"), [("missing", "does not exist"), ("file", "is no folder"), ("empty", "no Python")]
)
def test_what_cannot_be_audited_is_said(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=what):
        discover(tmp_path / name)
