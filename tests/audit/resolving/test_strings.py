"""What strings, tasks, signals and routes refer to."""

from __future__ import annotations

from collections.abc import Callable

from audit_projects import Files

from calve.audit.base import EdgeKind
from calve.audit.findings import Findings

Audited = Callable[[Files], Findings]


def _edges(found: Findings, kind: EdgeKind) -> list[tuple[str, str, int]]:
    return [(e.source, f"{e.target}.{e.symbol}".rstrip("."), e.line) for e in found.edges if e.kind == kind]


def test_tasks_by_call_and_by_name(django: Findings) -> None:
    assert _edges(django, "task") == [
        ("shop.orders.views", "shop.orders.tasks.confirm", 12),
        ("shop.reports.jobs", "shop.orders.tasks.confirm", 20),
    ]


CELERY: Files = {
    "worker.py": """
        from celery import Celery

        app = Celery("worker", include=["jobs.mail", "jobs.sync"])
    """,
    "jobs/mail.py": """
        from worker import app


        @app.task
        def send(): ...


        @app.task(bind=True, name="mail.later")
        def later(self): ...
    """,
    "jobs/sync.py": """
        from celery import chain, current_app, signature

        from jobs import mail


        def sync():
            chain(mail.send.s(), mail.send.si())()
            signature("mail.later").delay()
            current_app.send_task("jobs.mail.send")
    """,
}


def test_tasks_of_a_project_that_has_nothing_else(audited: Callable[[Files], Findings]) -> None:
    found = audited(CELERY)
    assert sorted(set(_edges(found, "task"))) == [
        ("jobs.sync", "jobs.mail.later", 8),
        ("jobs.sync", "jobs.mail.send", 7),
        ("jobs.sync", "jobs.mail.send", 9),
    ]
    assert {target for source, target, _ in _edges(found, "string") if source == "worker"} == {"jobs.mail", "jobs.sync"}


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


def test_classes_that_are_loaded_by_name_are_used_like_imported_ones(audited: Audited) -> None:
    files = {
        "shop/core/loading.py": "def get_class(module, name): ...\n",
        "shop/orders/utils.py": "class Numbers: ...\n",
        "shop/checkout/views.py": """
            from shop.core.loading import get_class

            Numbers = get_class("orders.utils", "Numbers")


            def number():
                other = Numbers.first
                return Numbers().next()
        """,
    }
    uses = [e for e in audited(files).edges if e.target == "shop.orders.utils"]
    assert [(e.kind, e.symbol, e.line, e.confidence) for e in uses] == [
        ("name", "Numbers", 8, "string"),
        ("name", "Numbers.first", 7, "string"),
        ("string", "Numbers", 3, "string"),
    ]
