"""What it takes to calve the stock of the fixture shop off, item by item."""

from __future__ import annotations

import pytest

from calve.audit.findings import Findings
from calve.audit.pricing.bill import Bill, Market
from calve.audit.pricing.effort import Effort, days


@pytest.fixture(scope="session")
def stock(django: Findings) -> Bill:
    """The stock of the shop, calved off."""
    market = Market(django.modules, django.models, django.data, django.graph, django.user)
    return market.bill(frozenset({"shop.stock"}))


def test_what_outside_uses_is_what_has_to_be_built(stock: Bill) -> None:
    assert {name: [str(p) for p in places] for name, places in stock.operations.items()} == {
        "shop.stock.models.Item": ["shop/orders/models.py:15"],
        "shop.stock.services.take": ["shop/orders/views.py:11"],
    }
    assert stock.calls_out == []


def test_keys_become_ids(stock: Bill) -> None:
    assert [item.what for item in stock.keys_in] == ["shop.orders.models.Line.item -> shop.stock.models.Item"]
    assert stock.keys_out == []


def test_a_transaction_over_both_sides_becomes_a_saga(stock: Bill) -> None:
    (saga,) = stock.sagas
    assert (saga.function, saga.certain, saga.units) == ("place", True, ["shop.orders", "shop.stock"])
    assert [step.what for step in saga.steps] == [
        "writes shop.orders.models.Order (Order.objects.create)",
        "reads shop.stock.models.Item (Item.objects.get)",
        "writes shop.stock.models.Item (item.save)",
    ]
    assert stock.sagas_low == 1


def test_raw_sql_that_names_a_table_of_the_other_side(stock: Bill) -> None:
    assert [item.what for item in stock.sql] == ["reads stock_items of shop.stock.models"]


def test_what_is_gone_costs_nothing_more(django: Findings) -> None:
    market = Market(django.modules, django.models, django.data, django.graph, django.user)
    bill = market.bill(frozenset({"shop.stock"}), frozenset({"shop.orders", "shop.reports"}))
    assert (bill.operations, bill.sagas, bill.keys_in) == ({}, [], [])


def test_days_are_a_range_made_of_what_is_on_the_bill(stock: Bill) -> None:
    nothing = Effort(**dict.fromkeys(Effort.__struct_fields__, (0.0, 0.0)))
    assert days(stock, nothing) == (0, 0)
    only_sagas = Effort(**{**dict.fromkeys(Effort.__struct_fields__, (0.0, 0.0)), "saga": (3.0, 10.0)})
    assert days(stock, only_sagas) == (3, 10)
