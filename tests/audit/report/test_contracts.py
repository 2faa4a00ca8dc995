"""Contracts for import-linter: it takes them, they hold today, and they break on what is new."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from audit_projects import DJANGO, FLASK, Files, write

from calve.audit.findings import audit
from calve.audit.report.contracts import contracts
from calve.core.errors import ConfigError

from .conftest import OPTIONS

LINT = "import importlinter.cli as c; c.lint_imports_command()"
IMPORTING_TESTS = {
    "shop/stock/tests/__init__.py": "",
    "shop/stock/tests/test_all.py": "from shop.orders import views\n",
    "shop/stock/migrations/__init__.py": "",
    "shop/stock/migrations/0001_first.py": "from shop.orders import models\n",
    "shop/stock/test_one.py": "from shop.orders import models\n",
    "shop/reports/demo.py": "from shop.stock.tests import test_all\n",
}


def _frozen(root: Path, files: Files) -> Path:
    write(root, files)
    (root / "contracts.toml").write_text(contracts(audit(root, OPTIONS)), encoding="utf-8")
    return root


def _lint(root: Path) -> tuple[int, str]:
    command = [sys.executable, "-c", LINT, "--config", "contracts.toml", "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("files", "where", "line", "broken"),
    [
        (DJANGO, "shop/stock/new.py", "from shop.orders import models", "shop.stock.new -> shop.orders.models (l.1)"),
        (FLASK, "app/members/new.py", "from app.blog import views", "app.members.new -> app.blog.views (l.1)"),
        (
            {**DJANGO, **IMPORTING_TESTS},
            "shop/stock/new.py",
            "import shop.orders.tasks",
            "shop.stock.new -> shop.orders",
        ),
    ],
    ids=["django", "flask", "tests and migrations"],
)
def test_they_hold_today_and_break_on_a_new_import(
    tmp_path: Path, files: Files, where: str, line: str, broken: str
) -> None:
    root = _frozen(tmp_path, files)
    code, said = _lint(root)
    assert (code, "0 broken" in said) == (0, True), said
    (root / where).write_text(line + "\n")
    code, said = _lint(root)
    assert code == 1
    assert broken in said
    assert "1 broken" in said


def test_everybody_may_import_the_kernel(tmp_path: Path) -> None:
    users = {f"shop/{unit}/base.py": "from shop.common import text\n" for unit in ("users", "orders", "reports")}
    root = _frozen(tmp_path, {**DJANGO, **users, "shop/common/__init__.py": "", "shop/common/text.py": "x = 1\n"})
    (root / "shop/stock/new.py").write_text("from shop.common import text\n")
    assert _lint(root)[0] == 0


def test_an_import_that_is_gone_breaks_nothing(tmp_path: Path) -> None:
    root = _frozen(tmp_path, DJANGO)
    (root / "shop/orders/views.py").write_text("x = 1\n")
    assert _lint(root)[0] == 0


def test_odd_names_of_files_are_no_obstacle(tmp_path: Path) -> None:
    odd = {f"shop/orders/{name}.py": "from shop.stock import models\n" for name in ("a-b", "a\nb", "a -> b", "*")}
    code, said = _lint(_frozen(tmp_path, {**DJANGO, **odd}))
    assert (code, "5 kept" in said) == (0, True), said


def test_one_unit_has_no_boundary(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no two units"):
        contracts(audit(write(tmp_path, {"a/__init__.py": "", "a/b.py": "x = 1\n"}), OPTIONS))


def test_it_says_where_to_run_it(tmp_path: Path) -> None:
    files = {f"backend/{name}": text for name, text in DJANGO.items()}
    assert "for import-linter: run it in backend\n" in contracts(audit(write(tmp_path, files), OPTIONS))
