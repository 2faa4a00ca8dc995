"""The facts of one file: imports, uses, chains, classes, functions, strings, SQL, and mistakes."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.audit.reading.extract import extract
from calve.audit.reading.facts import FileFacts


def _facts(text: str) -> FileFacts:
    return extract(dedent(text).lstrip("\n").encode())


def test_imports_with_their_names_and_when_they_happen() -> None:
    facts = _facts("""
        import a.b, c as d
        from ..e import (f as g, h)
        from . import i
        from j import *
        if TYPE_CHECKING:
            import k
        else:
            import l
        def later():
            import m
    """)
    assert [(i.line, i.level, i.module, i.name, i.bound, i.when) for i in facts.imports] == [
        (1, 0, "a.b", "", "a", "eager"),
        (1, 0, "c", "", "d", "eager"),
        (2, 2, "e", "f", "g", "eager"),
        (2, 2, "e", "h", "h", "eager"),
        (3, 1, "", "i", "i", "eager"),
        (4, 0, "j", "*", "*", "eager"),
        (6, 0, "k", "", "k", "types"),
        (8, 0, "l", "", "l", "eager"),
        (10, 0, "m", "", "m", "local"),
    ]


def test_uses_are_of_imported_names_only() -> None:
    facts = _facts("""
        from shop import orders
        def f(local):
            orders.place(orders=local)
            local.place()
            return orders.models.Order.objects.filter(x=orders.ONE)
    """)
    assert facts.uses == [("orders.place", 3), ("orders.ONE", 5), ("orders.models.Order.objects.filter", 5)]


def test_a_chain_is_taken_once_from_its_first_call_to_its_last() -> None:
    facts = _facts("Order.objects.filter(a=1, b__c='x').update(d=other)\n")
    (chain,) = facts.chains
    assert (chain.root, [link.name for link in chain.links]) == ("Order.objects", ["filter", "update"])
    assert chain.links[0].keywords == {"a": "1", "b__c": "'x"}
    assert chain.links[1].keywords == {"d": "other"}


def test_classes_with_bases_fields_and_inner_classes() -> None:
    facts = _facts("""
        class Order(Base, Generic[T], metaclass=M):
            customer = models.ForeignKey("users.User", null=True)
            class Meta:
                abstract = True
    """)
    order, meta = facts.classes
    assert (order.name, order.bases, order.line, order.end) == ("Order", ("Base", "Generic"), 1, 4)
    assert [(f.name, f.call and f.call.links[0].args) for f in order.fields] == [("customer", ("'users.User",))]
    assert (meta.name, [(f.name, f.value) for f in meta.fields]) == ("Order.Meta", [("abstract", "True")])


def test_functions_with_decorators_and_what_parameters_are() -> None:
    facts = _facts("""
        @shared_task(name="x.y")
        @transaction.atomic
        async def f(a: Order, b: "Line | None" = None, *c): ...
    """)
    (function,) = facts.functions
    assert (function.line, function.end, function.annotations) == (1, 3, {"a": "Order", "b": "Line"})
    assert [d.links[-1].name for d in function.decorators] == ["shared_task", "atomic"]


def test_transactions_strings_flags_and_sql() -> None:
    facts = _facts("""
        ATOMIC_REQUESTS = True
        DATABASES = {"default": {"CONN_MAX_AGE": 60}}
        with transaction.atomic(), open("f") as g:
            run("shop.orders.tasks", "no path", f"a.{b}")
        query = "WITH t AS (SELECT 1) SELECT * FROM sales s JOIN t ON 1 = 1 -- FROM comment"
        write = "INSERT INTO log SELECT * FROM sales"
    """)
    assert facts.flags == {"ATOMIC_REQUESTS": "True", "CONN_MAX_AGE": "60"}
    assert [(block.line, block.end, block.call.links[0].name) for block in facts.blocks] == [(3, 4, "atomic")]
    assert facts.strings == [("shop.orders.tasks", 4)]
    assert [(sql.reads, sql.writes) for sql in facts.sql] == [(("sales",), ()), (("sales",), ("log",))]


@pytest.mark.parametrize(
    "source", [b"print 'old'\nexec code\n", b"type X[T] = list[T]\n", b"try:\n    pass\nexcept A, B:\n    pass\n"]
)
def test_no_version_of_the_language_is_a_mistake(source: bytes) -> None:
    assert extract(source).errors == 0


def test_a_mistake_does_not_hide_what_is_around_it() -> None:
    facts = _facts("""
        import a
        def broken(:
            pass
        a.call()
    """)
    assert facts.errors > 0
    assert [fact.module for fact in facts.imports] == ["a"]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read(source: bytes) -> None:
    facts = extract(source)
    assert 0 <= facts.code_lines <= facts.lines
