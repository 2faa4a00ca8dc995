"""The bill of a candidate as figures: every number has its places, and what is not known says so."""

from __future__ import annotations

from calve.audit.report.document import CandidateFacts, Document


def _named(document: Document, name: str) -> CandidateFacts:
    return next(candidate for candidate in document.candidates if candidate.name == name)


def test_every_number_has_its_places(document: Document) -> None:
    for candidate in document.candidates:
        for name in ("operations", "calls_in", "calls_out", "keys_in", "keys_out", "joins", "inheritance", "tasks"):
            figure = getattr(candidate, name)
            assert len(figure.evidence) == figure.value, f"{candidate.name}: {name}"
        assert len(candidate.isolation.evidence) == candidate.crossing


def test_the_bill_of_stock(document: Document) -> None:
    stock = _named(document, "shop.stock")
    assert (stock.crossing, stock.all_edges, stock.isolation.value) == (2, 4, 0.5)
    assert [(e.path, e.line, e.what) for e in stock.operations.evidence] == [
        ("shop/orders/models.py", 15, "shop.stock.models.Item is used here"),
        ("shop/orders/views.py", 11, "shop.stock.services.take is used here"),
    ]
    assert (stock.tables, stock.keys_in.value, stock.sql.value) == (1, 1, 1)


def test_a_saga_is_a_sequence(document: Document) -> None:
    (saga,) = _named(document, "shop.stock").saga_list
    assert (saga.function, saga.certain, saga.units) == ("place", True, ["shop.orders", "shop.stock"])
    assert [f"{step.path}:{step.line} {step.unit} {step.verb} {step.model}" for step in saga.steps] == [
        "shop/orders/views.py:10 shop.orders writes shop.orders.models.Order",
        "shop/stock/services.py:5 shop.stock reads shop.stock.models.Item",
        "shop/stock/services.py:7 shop.stock writes shop.stock.models.Item",
    ]


def test_none_seen_is_not_none(document: Document) -> None:
    reports = _named(document, "shop.reports")
    assert (reports.sagas.value, reports.sagas.confidence) == (0, "unresolved"), "form.save() could be anything"
    assert reports.lockstep.confidence == "unresolved"
    assert _named(document, "shop.stock").sagas.confidence == "inferred"


def test_what_to_break_first_is_given_with_its_effect(document: Document) -> None:
    stock = _named(document, "shop.stock")
    assert stock.edges_to_break == 1
    (hinge,) = stock.hinges
    assert (hinge.module, hinge.direction, hinge.isolation_after) == ("shop.orders.models", "uses", 0.3333)
    assert [(edge.path, edge.line) for edge in stock.first_edges] == [("shop/orders/models.py", 5)]


def test_days_are_a_range_in_the_order_of_extraction(document: Document) -> None:
    orders = _named(document, "shop.orders")
    assert (orders.days.low, orders.days.high, orders.days.confidence) == (14.5, 45.2, "inferred")
    assert orders.days_in_order.high < orders.days.high, "its keys to stock are remote by then"
