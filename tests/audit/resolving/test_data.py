"""Reads, writes, joins and transactions, each counted on the fixture projects."""

from __future__ import annotations

from collections.abc import Callable

from audit_projects import DJANGO, Files

from calve.audit.findings import Findings

Audited = Callable[[Files], Findings]


def _accesses(found: Findings) -> list[tuple[str, int, str, str, str]]:
    return [(a.module, a.line, a.model.name, "write" if a.write else "read", a.confidence) for a in found.data.accesses]


def test_reads_and_writes_of_django(django: Findings) -> None:
    assert _accesses(django) == [
        ("shop.orders.tasks", 8, "Order", "write", "exact"),
        ("shop.orders.views", 10, "Order", "write", "exact"),
        ("shop.orders.views", 16, "Order", "read", "exact"),
        ("shop.reports.jobs", 27, "Order", "write", "exact"),
        ("shop.stock.services", 5, "Item", "read", "exact"),
        ("shop.stock.services", 7, "Item", "write", "inferred"),
    ]


def test_a_receiver_nobody_knows_is_not_taken_for_nothing(django: Findings) -> None:
    assert django.data.unresolved == [("shop.orders.views", 20, "form.save()")]


def test_joins_follow_the_path_of_a_lookup(django: Findings) -> None:
    assert [(j.line, j.source.name, j.target.name, j.said) for j in django.data.joins] == [
        (16, "Order", "Address", "address"),
        (16, "Order", "User", "customer"),
        (16, "Order", "User", "customer__points__gt"),
    ]


def test_a_transaction_has_what_the_functions_it_calls_do(django: Findings) -> None:
    found = [(t.function, t.kind, [(a.model.name, a.write) for a in t.accesses]) for t in django.data.transactions]
    assert found == [
        ("place", "function", [("Order", True), ("Item", False), ("Item", True)]),
        ("mend", "block", [("Order", True)]),
    ]


def test_sessions_of_flask_sqlalchemy(flask: Findings) -> None:
    assert _accesses(flask) == [
        ("app.blog.views", 12, "Member", "read", "exact"),
        ("app.blog.views", 13, "Post", "write", "inferred"),
        ("app.blog.views", 17, "Post", "read", "exact"),
    ]
    assert [(j.source.name, j.target.name) for j in flask.data.joins] == [("Post", "Member")]
    assert [[a.model.name for a in t.accesses] for t in flask.data.transactions] == [["Member", "Post"]]


def test_statements_of_sqlalchemy_2(fastapi: Findings) -> None:
    assert [(line, model, verb) for _, line, model, verb, _ in _accesses(fastapi)] == [
        (13, "Account", "read"),
        (14, "Entry", "write"),
        (15, "Account", "write"),
    ]


def test_attributes_of_a_variable_lead_to_other_models(audited: Audited) -> None:
    views = """
        from shop.orders.models import Line, Order


        def mail(pk):
            order = Order.objects.get(pk=pk)
            if order.customer.points and order.customer_id:
                return order.address.user.points


        def price(line: Line):
            return line.order.customer.points


        def other(order):
            return order.customer
    """
    found = audited({**DJANGO, "shop/mails/__init__.py": "", "shop/mails/views.py": views}).data
    here = [a for a in found.accesses if a.module == "shop.mails.views" and a.confidence == "inferred"]
    assert [(a.line, a.model.name, a.write, a.said) for a in here] == [
        (6, "User", False, "order.customer.points"),
        (7, "Address", False, "order.address.user.points"),
        (7, "User", False, "order.address.user.points"),
        (11, "Order", False, "line.order.customer.points"),
        (11, "User", False, "line.order.customer.points"),
    ]
    joins = [(j.line, j.source.name, j.target.name) for j in found.joins if j.module == "shop.mails.views"]
    assert joins == [(6, "Order", "User"), (7, "Order", "Address"), (7, "Address", "User"), (11, "Line", "Order")]
