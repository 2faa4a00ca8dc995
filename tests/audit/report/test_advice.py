"""What is worth doing without any split."""

from __future__ import annotations

from audit_projects import DJANGO

from calve.audit.report.document import Document

from .conftest import Documented, grown


def _of(document: Document, kind: str) -> list[str]:
    return [f"{a.path}:{a.line} {a.what}" for a in document.do_now if a.kind == kind]


def test_a_write_from_elsewhere_is_named_once(document: Document) -> None:
    assert _of(document, "foreign write") == [
        "shop/reports/jobs.py:27 shop.reports writes Order of shop.orders, only here: let shop.orders do it"
    ]


def test_the_few_lines_against_the_stream_are_named(documented: Documented) -> None:
    back = {"shop/stock/checks.py": "from shop.orders.models import Order\n"}
    assert _of(documented({**DJANGO, **back}), "one way") == [
        "shop/stock/checks.py:1 the only line from shop.stock to shop.orders; 2 go the other way"
    ]


def test_imports_for_type_checkers_go_no_way(documented: Documented) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.orders.models import Order\n"
    assert _of(documented({**DJANGO, "shop/stock/checks.py": text}), "one way") == []


def test_modules_that_nothing_leads_to_are_asked_about(documented: Documented) -> None:
    files = grown(DJANGO, "shop/orders", "shop/orders/management/commands")
    decorated = {"shop/orders/hooks.py": "import m\n@m.hook\ndef f(): ...\n" + "x = 1\n" * 50}
    assert _of(documented({**files, **decorated}), "nobody imports it") == [
        "shop/orders/filling.py:1 120 lines that nothing here leads to: an entry point, or dead"
    ]


def test_a_module_that_leans_to_one_other_unit_is_hinted_at_but_no_shared_one(documented: Documented) -> None:
    leaning = "".join(f"from shop.orders.part{n} import x\n" for n in range(5))
    users = {
        f"shop/{unit}/uses{n}.py": "from shop.reports.common import y\n"
        for unit in ("orders", "stock")
        for n in range(4)
    }
    parts = {f"shop/orders/part{n}.py": "x = 1\n" for n in range(5)}
    new = {"shop/reports/lean.py": leaning, "shop/reports/common.py": "y = 1\n"}
    assert _of(documented({**DJANGO, **parts, **users, **new}), "leans elsewhere") == [
        "shop/reports/lean.py:1 tied to 5 modules of shop.orders, to 0 of its own shop.reports"
    ]
