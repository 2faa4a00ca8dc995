"""Models as messages."""

from __future__ import annotations

from audit_projects import DJANGO, FASTAPI, FLASK, Files

from calve.audit.resolving.modules import Symbol
from calve.audit.scaffold.shapes import shape

from .conftest import Found

MODELS = """
from django.db import models

class Everything(models.Model):
    name = models.CharField(max_length=3, null=True)
    at = models.DateTimeField()
    price = models.DecimalField()
    item = models.ForeignKey("stock.Item", null=True, on_delete=models.CASCADE)
    tags = models.ManyToManyField("stock.Item")
    odd = SomethingField()
    class_ = models.TextField()
    helper = build()
    constant = 3
"""


def test_columns_have_the_type_they_declare(found: Found) -> None:
    files: Files = {**DJANGO, "shop/orders/models.py": MODELS}
    assert shape(found(files), Symbol("shop.orders.models", "Everything")).fields == [
        ("id", "int"),
        ("name", "str | None"),
        ("at", "datetime"),
        ("price", "Decimal"),
        ("item_id", "int | None"),
        ("tags_ids", "tuple[int, ...]"),
        ("odd", "Unknown"),
        ("class_", "str"),
    ]


def test_abstract_models_hand_on_their_columns(found: Found) -> None:
    made = shape(found(DJANGO), Symbol("shop.stock.models", "Item"))
    assert (made.name, made.model) == ("Item", "shop.stock.models.Item")
    assert made.fields == [("id", "int"), ("created", "datetime"), ("count", "int")]


def test_sqlalchemy_in_both_its_forms(found: Found) -> None:
    entry = shape(found(FASTAPI), Symbol("bank.ledger.models", "Entry"))
    assert entry.fields == [("id", "int"), ("account_id", "int")]


def test_columns_of_the_older_form(found: Found) -> None:
    member = shape(found(FLASK), Symbol("app.members.models", "Member"))
    assert member.fields == [("id", "int")], "a relationship is no column"
