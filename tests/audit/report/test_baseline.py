"""An audit held against an earlier one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from audit_projects import DJANGO

from calve.audit.report.baseline import compare, read_baseline
from calve.audit.report.document import Document, encode
from calve.core.errors import ConfigError

from .conftest import Documented

SHIP = """
from shop.stock.models import Item

def ship(pk):
    Item.objects.filter(pk=pk).update(count=0)
"""


@pytest.fixture
def before(documented: Documented) -> Document:
    """The shop as it was."""
    return documented(DJANGO)


def test_an_audit_held_against_itself_has_nothing_new(before: Document) -> None:
    comparison = compare(before, before)
    assert comparison.new == []
    assert all(moved.before == moved.after for moved in comparison.moved)


def test_each_new_edge_and_writer_is_named(before: Document, documented: Documented) -> None:
    after = documented({**DJANGO, "shop/orders/shipping.py": SHIP})
    assert [(new.check, f"{new.path}:{new.line}", new.what) for new in compare(before, after).new] == [
        (
            "new-cross-edge",
            "shop/orders/shipping.py:1",
            "shop.orders.shipping -> shop.stock.models (import, write), from shop.orders to shop.stock",
        ),
        ("new-shared-table", "shop/orders/shipping.py:4", "shop.orders writes shop.stock.models.Item of shop.stock"),
    ]
    assert compare(after, before).new == [], "what is gone is no fault"


def test_a_new_kind_of_dependency_between_known_modules_is_new(before: Document, documented: Documented) -> None:
    models = DJANGO["shop/orders/models.py"] + "\n\n        Item.objects.delete()\n"
    (edge, writer) = compare(before, documented({**DJANGO, "shop/orders/models.py": models})).new
    assert edge.what == "shop.orders.models -> shop.stock.models (write), from shop.orders to shop.stock"
    assert writer.check == "new-shared-table"


def test_what_its_owner_writes_is_not_shared(before: Document, documented: Documented) -> None:
    jobs = "from .models import Address\n\nAddress.objects.create()\n"
    assert compare(before, documented({**DJANGO, "shop/users/jobs.py": jobs})).new == []


def test_code_that_moves_within_its_file_is_not_new(before: Document, documented: Documented) -> None:
    moved = {name: f"# moved\n# down\n{text}" for name, text in DJANGO.items() if name.endswith("services.py")}
    assert compare(before, documented({**DJANGO, **moved})).new == []


def test_the_numbers_show_whether_a_migration_delivers(before: Document) -> None:
    measures = msgspec.structs.replace(before.measures, cross_edges=2, lead_time_days=1.5, lockstep_share=0.25)
    moved = {
        m.name: (m.before, m.after) for m in compare(before, msgspec.structs.replace(before, measures=measures)).moved
    }
    assert moved["dependencies between units"] == ("8", "2")
    assert moved["days from commit to production"] == ("?", "1.5")
    assert moved["commits over several units"] == ("?", "25%")
    assert moved["units in the largest cycle"] == ("0", "0")


def test_what_was_written_is_read(before: Document, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(encode(before))
    assert read_baseline(tmp_path / "old.json") == before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "is no audit"),
        (b'{"units": []}', "is no audit: Object missing required field `schema_version`"),
        (b'{"schema_version": 1, "units": 3}', "is no audit"),
        (b'{"schema_version": 99}', "has schema version 99; this Calve compares version 1"),
    ],
)
def test_a_baseline_that_is_none_says_why_and_what_next(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "old.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError) as raised:
        read_baseline(path)
    assert str(raised.value).startswith(f"{path}: {message}")
    assert str(raised.value).endswith("; write a new one: calve audit --json FILE")
