"""Models, tables and relations of Django, Flask-SQLAlchemy and SQLAlchemy 2."""

from __future__ import annotations

from calve.audit.findings import Findings


def _relations(found: Findings) -> dict[str, tuple[str | None, str, str]]:
    return {
        f"{model.label}.{r.name}": (r.target.dotted if r.target else None, r.kind, r.confidence)
        for model in found.models.all.values()
        for r in model.relations
    }


def test_relations_of_django_by_class_by_string_by_setting_and_to_oneself(django: Findings) -> None:
    assert _relations(django) == {
        "sales.Order.customer": ("shop.users.models.User", "foreign key", "string"),
        "sales.Order.address": ("shop.users.models.Address", "foreign key", "string"),
        "sales.Line.order": ("shop.orders.models.Order", "foreign key", "string"),
        "sales.Line.item": ("shop.stock.models.Item", "foreign key", "exact"),
        "sales.Line.parent": ("shop.orders.models.Line", "foreign key", "exact"),
        "sales.Line.about": (None, "generic", "unresolved"),
        "users.Address.user": ("shop.users.models.User", "foreign key", "exact"),
    }


def test_tables_of_django(django: Findings) -> None:
    assert {model.label: model.table for model in django.models.all.values()} == {
        "sales.Order": "sales_order",
        "sales.Line": "sales_line",
        "stock.Item": "stock_items",
        "stock.Stamped": "",
        "users.User": "users_user",
        "users.Address": "users_address",
    }


def test_relations_of_flask_sqlalchemy(flask: Findings) -> None:
    assert _relations(flask) == {
        "posts.author_id": ("app.members.models.Member", "foreign key", "string"),
        "member.posts": ("app.blog.models.Post", "relationship", "inferred"),
    }


def test_relations_of_sqlalchemy_2(fastapi: Findings) -> None:
    assert _relations(fastapi) == {
        "accounts.entries": ("bank.ledger.models.Entry", "relationship", "inferred"),
        "entries.account_id": ("bank.accounts.models.Account", "foreign key", "string"),
        "entries.account": ("bank.accounts.models.Account", "relationship", "string"),
    }


def test_attributes_lead_along_relations_forward_and_back(django: Findings) -> None:
    models = django.models
    order, line = models.by_label["sales.order"], models.by_label["sales.line"]
    assert models.step(line, "order") == order
    assert models.step(line, "order_id") == order
    assert models.step(order, "lines") == line
    assert models.step(models.by_table["stock_items"], "line_set") == line
    assert models.step(order, "total") is None
