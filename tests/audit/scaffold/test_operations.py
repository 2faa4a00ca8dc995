"""What outsiders use of a candidate."""

from __future__ import annotations

import pytest
from audit_projects import DJANGO, FASTAPI, FLASK

from calve.core.errors import ConfigError

from .conftest import Surfaced


def test_what_django_outsiders_use(surfaced: Surfaced) -> None:
    orders = surfaced(DJANGO, "shop.orders")
    assert [(d.kind, d.name, d.symbol) for d in orders.operations] == [
        ("command", "delete_order", "shop.orders.models.Order"),
        ("query", "get_order", "shop.orders.models.Order"),
        ("query", "get_order_list", "shop.orders.models.Order"),
        ("command", "confirm", "shop.orders.tasks.confirm"),
    ]
    assert [str(place) for place in orders.operations[0].places] == ["shop/reports/jobs.py:27"]
    assert [(e.name, e.heard, [str(p) for p in e.places]) for e in orders.events] == [
        ("OrderSaved", "post_save of shop.orders.models.Order", ["shop/reports/jobs.py:15"])
    ]
    assert list(orders.left_over) == ["shop.orders.apps.OrdersConfig"]
    assert (orders.service, orders.contract) == ("orders", "Orders")


def test_what_flask_and_fastapi_outsiders_use(surfaced: Surfaced) -> None:
    assert [d.name for d in surfaced(FLASK, "members").operations] == ["get_member", "get_member_list"]


def test_a_write_from_outside_is_a_command(surfaced: Surfaced) -> None:
    accounts = surfaced(FASTAPI, "accounts")
    assert [(d.kind, d.name) for d in accounts.operations] == [
        ("query", "get_account"),
        ("query", "get_account_list"),
        ("command", "save_account"),
    ]


def test_a_function_that_is_not_seen_to_write_and_asks_is_a_query(surfaced: Surfaced) -> None:
    services = "from .models import Item\n\ndef count_all():\n    return Item.objects.count()\n\n"
    services += "def get_marked(item):\n    item.save()\n"
    using = "from shop.stock.services import count_all, get_marked"
    using += "\ndef f(x):\n    get_marked(x)\n    return count_all()\n"
    drawn = surfaced({**DJANGO, "shop/stock/services.py": services, "shop/orders/views.py": using}, "shop.stock")
    assert {d.name: d.kind for d in drawn.operations if "services" in d.symbol} == {
        "count_all": "query",
        "get_marked": "command",
    }


def test_a_signal_of_its_own_is_an_event(surfaced: Surfaced) -> None:
    files = {
        **DJANGO,
        "shop/stock/signals.py": "from django.dispatch import Signal\n\nstock_ran_low = Signal()\n",
        "shop/orders/hooks.py": "from shop.stock.signals import stock_ran_low\n\nstock_ran_low.connect(print)\n",
    }
    assert [(e.name, e.heard) for e in surfaced(files, "stock").events] == [
        ("StockRanLow", "shop.stock.signals.stock_ran_low")
    ]


def test_two_functions_of_one_name_are_told_apart(surfaced: Surfaced) -> None:
    files = {
        **DJANGO,
        "shop/stock/a.py": "def get(x): ...\n",
        "shop/stock/b.py": "def get(x): ...\n",
        "shop/orders/views.py": "from shop.stock import a, b\n\na.get(1)\nb.get(2)\n",
    }
    names = [d.name for d in surfaced(files, "stock").operations]
    assert len(names) == len(set(names))
    assert {"get", "b_get"} <= set(names)


def test_a_model_with_the_name_of_the_service_keeps_it(surfaced: Surfaced) -> None:
    files = {
        name.replace("shop/stock", "shop/item"): text.replace("shop.stock", "shop.item")
        for name, text in DJANGO.items()
    }
    assert surfaced(files, "item").contract == "ItemApi"


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        (DJANGO, "stok", "no candidate 'stok'; known: shop, shop.orders"),
        (DJANGO, "", "no candidate ''"),
        ({"a/x.py": "", "b/x.py": "", "x.py": ""}, "zz", "no candidate 'zz'"),
        ({"only.py": "x = 1\n"}, "only", "only is all there is"),
    ],
)
def test_a_candidate_that_is_none_is_an_error(
    surfaced: Surfaced, files: dict[str, str], name: str, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        surfaced(files, name)
    assert str(raised.value).startswith(f"--scaffold: {message}")
