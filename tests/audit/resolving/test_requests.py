"""Views under ATOMIC_REQUESTS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from audit_projects import Files

from calve.audit.findings import Findings
from calve.audit.pricing.bill import Market

Audited = Callable[[Files], Findings]
MODEL = "from django.db import models\n\n\nclass {}(models.Model): ...\n"
ON: Files = {
    "shop/settings.py": 'DATABASES = {"default": {"ENGINE": "x", "ATOMIC_REQUESTS": True}}\n',
    "shop/urls.py": """
        from django.urls import path

        from shop.orders import views
        from shop.orders.models import Order
        from shop.orders.views import Orders

        urlpatterns = [
            path("place/", views.place),
            path("free/", views.free),
            path("orders/", Orders.as_view(), {"model": Order}),
        ]
    """,
    "shop/routers.py": """
        from shop.orders.views import Registered

        router.register("orders", Registered)
    """,
    "shop/orders/models.py": MODEL.format("Order"),
    "shop/stock/models.py": MODEL.format("Item"),
    "shop/orders/views.py": """
        from django.db import transaction
        from django.views import View

        from shop.orders.models import Order
        from shop.stock.models import Item


        def place(request):
            Order.objects.create()
            take()


        def take():
            Item.objects.update(count=1)


        @transaction.non_atomic_requests
        def free(request):
            Order.objects.create()


        class Orders(View):
            def post(self, request):
                self.keep()

            def keep(self):
                Order.objects.create()


        class Registered:
            def list(self, request):
                return Order.objects.all()
    """,
}


def _transactions(found: Findings) -> dict[str, set[str]]:
    return {t.function: {a.model.name for a in t.accesses} for t in found.data.transactions if t.kind == "request"}


def test_every_view_is_a_transaction(audited: Audited) -> None:
    assert _transactions(audited(ON)) == {"place": {"Order", "Item"}, "Orders": {"Order"}}


def test_a_router_maps_views_too(audited: Audited) -> None:
    files = ON | {"shop/routers.py": ON["shop/routers.py"].replace("Registered", "RegisteredViewSet")}
    files["shop/orders/views.py"] = ON["shop/orders/views.py"].replace("Registered", "RegisteredViewSet")
    assert "RegisteredViewSet" in _transactions(audited(files))


def test_a_class_is_a_view_by_its_name_where_views_are(audited: Audited) -> None:
    named = """
        class LaterView(Base):
            def get(self):
                Item.objects.all()
    """
    files = ON | {"shop/orders/views.py": ON["shop/orders/views.py"] + named}
    assert _transactions(audited(files))["LaterView"] == {"Item"}


def test_settings_may_be_a_class(audited: Audited) -> None:
    files = ON | {"shop/settings.py": "class Base:\n    ATOMIC_REQUESTS = True\n"}
    assert "place" in _transactions(audited(files))


@pytest.mark.parametrize("setting", ["DATABASES = {}\n", 'DATABASES = {"default": {"ATOMIC_REQUESTS": False}}\n'])
def test_without_the_setting_a_view_is_none(audited: Audited, setting: str) -> None:
    assert _transactions(audited(ON | {"shop/settings.py": setting})) == {}


def test_a_view_that_writes_on_both_sides_would_be_a_saga(audited: Audited) -> None:
    found = audited(ON)
    bill = Market(found.modules, found.models, found.data, found.graph, found.user).bill(frozenset({"shop.stock"}))
    assert [(saga.function, saga.certain) for saga in bill.sagas] == [("place", True)]
