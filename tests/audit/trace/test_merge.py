"""A trace merged into the audit of the project it was made in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from audit_projects import Files, write
from traced_projects import DJANGO

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.pricing.bill import Market
from calve.audit.trace.file import DEFAULT_PATH, Span, Trace, write_trace
from calve.audit.trace.merge import Recall
from calve.core.errors import ConfigError

Traced = tuple[Path, Trace]
Audited = Callable[[Files], Findings]
Steps = tuple[tuple[Literal["read", "write"], str], ...]
OPTIONS = AuditOptions(cache=False, processes=1)
SERVICES = "shop/orders/services.py"


@pytest.fixture(scope="module")
def merged(django_traced: Traced) -> Findings:
    """The shop, audited with its trace."""
    return audit(django_traced[0], OPTIONS)


def _recall(found: Findings) -> Recall:
    assert found.recall is not None
    return found.recall


def test_every_transaction_that_ran_is_matched(merged: Findings) -> None:
    recall = _recall(merged)
    assert (recall.ran, recall.known, recall.never_ran, recall.elsewhere) == (5, 5, 0, 0)
    assert {t.function: t.runs for t in merged.data.transactions if t.runs} == {
        "place": 3,
        "cancel": 1,
        "report": 1,
        "fail": 1,
        "tidy": 1,
    }


def test_what_the_source_did_not_show_is_missed(merged: Findings) -> None:
    recall = _recall(merged)
    missed = [note.what for note in recall.missed if note.what.startswith("place")]
    assert missed == ["place: reads shop.stock.models.Item", "place: writes shop.stock.models.Item"]
    assert str(recall.missed[0].place).startswith(SERVICES)
    assert recall.accesses_known < recall.accesses_ran


def test_what_the_source_claims_and_never_happened_is_unconfirmed(merged: Findings) -> None:
    assert [note.what for note in _recall(merged).unconfirmed] == ["tidy: writes shop.stock.models.Item"]


def test_a_saga_that_only_ran_is_certain(django_traced: Traced, merged: Findings, tmp_path: Path) -> None:
    def sagas(found: Findings) -> dict[str, tuple[bool, int]]:
        market = Market(found.modules, found.models, found.data, found.graph, found.user)
        bill = market.bill(frozenset({"shop.stock"}))
        return {saga.function: (saga.certain, saga.runs) for saga in bill.sagas}

    alone = audit(write(tmp_path, DJANGO), OPTIONS)
    assert alone.recall is None
    assert "place" not in sagas(alone)
    assert sagas(merged)["place"] == (True, 3)


def test_requests_that_write_in_several_units(merged: Findings) -> None:
    recall = _recall(merged)
    assert recall.requests == 2
    assert [note.what for note in recall.requests_across] == ["Orders: writes tables of shop.orders, shop.stock"]


def _write(root: Path, *spans: Span, head: str = "", errors: dict[str, int] | None = None) -> None:
    write_trace(root / DEFAULT_PATH, Trace(head=head, processes=1, hooks=["x"], errors=errors or {}, spans=list(spans)))


def test_a_transaction_only_the_trace_knows_is_one(tmp_path: Path) -> None:
    root = write(tmp_path, DJANGO)
    take = Span("transaction", SERVICES, 15, "take", (("write", "orders_order"), ("write", "users_customer")), 2)
    _write(root, take, msgspec.structs.replace(take, path="gone.py"))
    found = audit(root, OPTIONS)
    (new,) = [t for t in found.data.transactions if t.kind == "runtime"]
    assert (new.function, new.line, new.runs, len(new.accesses)) == ("take", 15, 2, 2)
    assert (_recall(found).known, _recall(found).ran, _recall(found).elsewhere) == (0, 1, 1)
    assert [note.what for note in _recall(found).missed] == ["take: a transaction that touches Customer, Order"]


def test_tables_of_different_runs_are_in_no_transaction_together(tmp_path: Path) -> None:
    root = write(tmp_path, DJANGO)
    _write(
        root,
        Span("transaction", SERVICES, 15, "take", (("write", "orders_order"),), 1),
        Span("transaction", SERVICES, 15, "take", (("write", "users_customer"),), 1),
    )
    found = audit(root, OPTIONS)
    market = Market(found.modules, found.models, found.data, found.graph, found.user)
    assert [s for s in market.bill(frozenset({"shop.users"})).sagas if s.function == "take"] == []


def test_a_request_is_a_transaction_where_the_settings_say_so(tmp_path: Path) -> None:
    atomic = DJANGO["shop/settings.py"].replace('"NAME"', '"ATOMIC_REQUESTS": True, "NAME"')
    root = write(tmp_path, DJANGO | {"shop/settings.py": atomic})
    steps: Steps = (("write", "orders_order"), ("write", "stock_items"))
    _write(root, Span("request", "shop/urls.py", 0, "Orders", steps, 4))
    found = audit(root, OPTIONS)
    (orders,) = [t for t in found.data.transactions if t.function == "Orders"]
    assert (orders.kind, orders.runs) == ("request", 4)
    market = Market(found.modules, found.models, found.data, found.graph, found.user)
    (saga,) = [s for s in market.bill(frozenset({"shop.stock"})).sagas if s.function == "Orders"]
    assert (saga.certain, saga.runs) == (True, 4)
    assert (_recall(found).ran, _recall(found).known) == (1, 1)


def test_a_trace_of_another_commit_and_one_with_failures_are_gaps(tmp_path: Path) -> None:
    root = write(tmp_path, DJANGO)
    _write(root, head="0123456789abcdef", errors={"KeyError": 2})
    gaps = {gap.kind: gap.why for gap in audit(root, OPTIONS).gaps}
    assert gaps["old trace"] == "the trace was made at 0123456789ab, the code is at none"
    assert gaps["trace"] == "the recorder failed: KeyError 2 times"


def test_a_trace_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        audit(write(tmp_path, DJANGO), AuditOptions(cache=False, processes=1, trace=tmp_path / "no.json"))


def test_the_trace_changes_nothing_else(merged: Findings, audited: Audited) -> None:
    assert audited(DJANGO).edges == merged.edges
