"""HTTP calls between parts of one project."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from audit_projects import Files

from calve.audit.findings import Findings
from calve.audit.resolving.http import Routes

Audited = Callable[[Files], Findings]

FILES: Files = {
    "shop/orders/api.py": """
        from fastapi import APIRouter

        router = APIRouter()


        @router.get("/orders/{pk}")
        async def show(pk): ...


        @router.post("/orders")
        async def place(): ...
    """,
    "shop/stock/urls.py": """
        from django.urls import path, re_path
        from . import views

        urlpatterns = [
            path("stock/<int:pk>/take/", views.take),
            path("any/", views.Any.as_view()),
            path("<slug:name>/", views.take),
        ]
    """,
    "shop/stock/views.py": "def take(request, pk): ...\n\n\nclass Any: ...\n",
    "shop/blog/api.py": """
        from shop.app import app


        @app.route("/any")
        def any(): ...
    """,
    "shop/app.py": "from flask import Flask\n\napp = Flask(__name__)\n",
    "shop/mails/jobs.py": """
        import httpx
        import requests


        def nightly(client):
            httpx.get("http://orders:8000/v1/orders/1?full=yes")
            requests.post("https://stock/stock/7/take/", json={})
            client.get("/nothing/of/ours")
            cache.get("/orders/1")
    """,
}


def test_calls_of_own_routes_are_edges(audited: Audited) -> None:
    found = audited(FILES)
    edges = [(e.source, e.target, e.symbol, e.line, e.confidence) for e in found.edges if e.kind == "http"]
    assert edges == [
        ("shop.mails.jobs", "shop.orders.api", "show", 6, "inferred"),
        ("shop.mails.jobs", "shop.stock.views", "take", 7, "inferred"),
    ]


@pytest.mark.parametrize(
    ("url", "handler"),
    [
        ("/api/orders", "place"),
        ("/orders/5", "show"),
        ("http://shop/stock/1/take", "take"),
        ("/any", None),
        ("/", None),
        ("/word", None),
        ("http://shop", None),
    ],
)
def test_a_url_leads_to_one_handler_or_to_none(audited: Audited, url: str, handler: str | None) -> None:
    found = Routes(audited(FILES).modules).handler(url)
    assert (found and found.name) == handler
