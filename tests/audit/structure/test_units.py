"""How modules are divided into units."""

from __future__ import annotations

from pathlib import Path

from audit_projects import Files, write

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.structure.units import make_units

BODY = "value = 1\n" * 10


def _units(root: Path, files: Files) -> list[str]:
    return list(audit(write(root, files), AuditOptions(cache=False, processes=1)).graph.units)


def test_applications_and_packages_are_units(django: Findings) -> None:
    assert list(django.graph.units) == ["shop", "shop.orders", "shop.reports", "shop.stock", "shop.users"]
    assert django.graph.of["shop.orders.views"] == "shop.orders"
    assert django.graph.of["shop.settings"] == "shop"


def test_one_that_is_too_large_is_split_one_level_deeper(tmp_path: Path) -> None:
    small = {f"app/part{n}/a.py": BODY for n in range(3)}
    large = {f"app/huge/{name}/a.py": BODY * 9 for name in ("left", "right")}
    assert _units(tmp_path, small | large) == [
        "app.huge.left",
        "app.huge.right",
        "app.part0",
        "app.part1",
        "app.part2",
    ]


def test_layers_are_folded_into_what_they_repeat(tmp_path: Path) -> None:
    names = ("orders", "stock", "users")
    files = {f"app/{name}/a.py": BODY for name in names} | {f"app/web/{name}/a.py": BODY * 5 for name in names}
    assert _units(tmp_path, files) == ["app.orders", "app.stock", "app.users"]


def test_settings_override_everything(django: Findings) -> None:
    units = make_units(django.modules, django.models, django.edges, {"money": ["shop.orders", "shop.stock.models"]})
    assert units["money"].modules[-1] == "shop.stock.models"
    assert "shop.orders" not in units
    assert "shop.stock" in units


def test_a_package_that_only_lodges_in_another_is_a_unit(tmp_path: Path) -> None:
    names = [f"w{n}" for n in range(6)]
    widgets = {
        f"app/web/widgets/{a}.py": "".join(f"import app.web.widgets.{b}\n" for b in names if b < a) for a in names
    }
    web = {f"app/web/{n}.py": f"import app.other.a\n{BODY}" for n in ("views", "urls", "forms")}
    other = {f"app/other/{n}.py": BODY * 8 for n in "abc"}
    assert _units(tmp_path, widgets | web | other) == ["app.other", "app.web", "app.web.widgets"]
    tied = {path: text + "import app.web.views\n" for path, text in widgets.items()}
    assert _units(tmp_path, tied | web | other) == ["app.other", "app.web"]
