"""The plan: steps in order, every place of the bill, and what it does not see."""

from __future__ import annotations

import re

from audit_projects import DJANGO, FASTAPI

from calve.audit.scaffold.operations import surface
from calve.audit.scaffold.plan import plan_text

from .conftest import Found


def test_the_steps_stand_in_order(found: Found) -> None:
    audited = found(DJANGO)
    text = plan_text(audited, surface(audited, "orders"))
    assert re.findall(r"^## (\d)\. (\w+)", text, re.MULTILINE) == [
        ("1", "Keep"),
        ("2", "Break"),
        ("3", "Let"),
        ("4", "Put"),
        ("5", "Give"),
        ("6", "Turn"),
        ("7", "Turn"),
        ("8", "Give"),
        ("9", "Move"),
    ]
    assert text.index("## What this plan does not see") > text.index("## 9.")
    assert f"**{audited.verdict.sentence}**" in text


def test_every_item_of_the_bill_is_a_place_to_change(found: Found) -> None:
    audited = found(DJANGO)
    drawn = surface(audited, "orders")
    text, bill = plan_text(audited, drawn), drawn.bill
    lists = (bill.calls_out, bill.keys_in, bill.keys_out, bill.identity, bill.joins, bill.tasks, bill.urls, bill.sql)
    for item in (item for items in (*lists, *bill.shared_tables.values()) for item in items):
        assert f"{item.place} {item.what}" in text
    for places in bill.operations.values():
        assert all(str(place) in text for place in places)
    assert "- [ ] shop/orders/views.py:8 `place`, writes on both sides:\n" in text
    assert "  3. writes shop.stock.models.Item (item.save) at shop/stock/services.py:7; undo: ?" in text
    assert "- [ ] `sales_line`\n- [ ] `sales_order`" in text


def test_no_saga_seen_is_not_none(found: Found) -> None:
    audited = found(DJANGO)
    assert "None was seen. That is not none" in plan_text(audited, surface(audited, "reports"))


def test_a_part_without_tables_is_told_to_be_a_library(found: Found) -> None:
    audited = found(DJANGO)
    assert "rather a library than a service" in plan_text(audited, surface(audited, "reports"))


def test_it_is_the_same_every_time(found: Found) -> None:
    audited = found(FASTAPI)
    texts = {plan_text(audited, surface(audited, "accounts")) for _ in range(2)}
    assert len(texts) == 1
