"""What strings, tasks, signals and routes refer to."""

from __future__ import annotations

from calve.audit.base import EdgeKind
from calve.audit.findings import Findings


def _edges(found: Findings, kind: EdgeKind) -> list[tuple[str, str, int]]:
    return [(e.source, f"{e.target}.{e.symbol}".rstrip("."), e.line) for e in found.edges if e.kind == kind]


def test_tasks_by_call_and_by_name(django: Findings) -> None:
    assert _edges(django, "task") == [
        ("shop.orders.views", "shop.orders.tasks.confirm", 12),
        ("shop.reports.jobs", "shop.orders.tasks.confirm", 20),
    ]


def test_signals_lead_to_their_sender(django: Findings) -> None:
    assert _edges(django, "signal") == [("shop.reports.jobs", "shop.orders.models.Order", 15)]


def test_strings_in_settings_and_labels_of_models(django: Findings) -> None:
    assert _edges(django, "string") == [
        ("shop.orders.apps", "shop.orders", 5),
        ("shop.orders.models", "shop.users.models.Address", 10),
        ("shop.reports.jobs", "shop.orders.models.Order", 12),
        ("shop.reports.jobs", "shop.orders.models.Order", 15),
        ("shop.settings", "shop.orders.apps.OrdersConfig", 1),
        ("shop.settings", "shop.users", 1),
        ("shop.settings", "shop.users.models.User", 2),
        ("shop.urls", "shop.orders.urls", 3),
    ]


def test_routes_by_string_and_by_object(django: Findings, flask: Findings, fastapi: Findings) -> None:
    assert _edges(django, "url") == [("shop.urls", "shop.orders.urls", 3)]
    assert _edges(flask, "url") == [("app", "app.blog.views.blueprint", 8)]
    assert _edges(fastapi, "url") == [("bank.main", "bank.ledger.api.router", 6)]
