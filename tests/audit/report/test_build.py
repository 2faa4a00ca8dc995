"""From findings to the document: figures, coverage, order, and the same bytes every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from audit_projects import FASTAPI, FLASK, write

from calve.audit.findings import audit
from calve.audit.report.build import build
from calve.audit.report.document import SCHEMA_VERSION, Document, decode, encode

from .conftest import OPTIONS, SHOP, Documented

PROGRAM = """
import sys
from pathlib import Path
from calve.audit.findings import AuditOptions, audit
from calve.audit.report.build import build
from calve.audit.report.document import encode
options = AuditOptions(cache=False, processes=int(sys.argv[2]))
sys.stdout.buffer.write(encode(build(audit(Path(sys.argv[1]), options), options)))
"""


def test_what_the_verdict_is_about_is_named(document: Document) -> None:
    assert (document.schema_version, document.project) == (SCHEMA_VERSION, "shop")
    assert (document.verdict.outcome, document.verdict.candidate) == ("do not split", "shop.stock")


def test_what_is_known_is_a_part_of_what_there_is(document: Document) -> None:
    coverage = document.coverage
    assert (coverage.files, coverage.relations, coverage.transactions, coverage.writes) == (
        (23, 23),
        (6, 7),
        (2, 2),
        (4, 5),
    )
    assert (coverage.raw_sql, coverage.runtime, coverage.test_lines) == (1, "not run", 1)
    assert [gap.kind for gap in coverage.gaps] == ["no history"]


def test_an_edge_between_units_lists_its_pairs_of_modules(document: Document) -> None:
    edges = {(edge.source, edge.target): edge for edge in document.edges}
    edge = edges["shop.orders", "shop.stock"]
    assert edge.counts == {"import": 2, "name": 2, "relation": 1}
    assert [(p.source, p.target, p.kinds, p.path, p.line) for p in edge.pairs] == [
        ("shop.orders.models", "shop.stock", ["import"], "shop/orders/models.py", 5),
        ("shop.orders.models", "shop.stock.models", ["relation"], "shop/orders/models.py", 15),
        ("shop.orders.views", "shop.stock.services", ["import"], "shop/orders/views.py", 3),
    ]


def test_a_table_knows_its_owner_and_who_else_writes_it(document: Document) -> None:
    tables = {table.model: table for table in document.tables}
    order = tables["shop.orders.models.Order"]
    assert (order.table, order.owner, order.writers) == ("sales_order", "shop.orders", ["shop.orders", "shop.reports"])
    assert order.keys_to == ["shop.users.models.Address", "shop.users.models.User"]
    assert [(w.path, w.line) for w in order.foreign_writes] == [("shop/reports/jobs.py", 27)]
    assert "shop.stock.models.Stamped" not in tables, "abstract models have no table"


def test_today_s_numbers_are_kept(document: Document) -> None:
    measures = document.measures
    assert (measures.cross_edges, measures.cross_share, measures.shared_tables) == (8, 0.5714, 1)
    transactions = measures.cross_unit_transactions
    assert (transactions.low, transactions.high) == (1, 1)
    assert [(e.path, e.line) for e in transactions.evidence] == [("shop/orders/views.py", 8)]
    assert (measures.lockstep_share, measures.lead_time_days) == (None, None), "no history and no answer are no nought"


def test_units_in_a_circle_are_marked(documented: Documented) -> None:
    document = documented(FLASK)
    assert {unit.name: unit.cycle for unit in document.units} == {"app": 1, "app.blog": 1, "app.members": 1}
    assert document.measures.largest_cycle == 3


def test_a_relation_for_the_mapper_alone_is_no_key(documented: Documented) -> None:
    tables = {table.model: table for table in documented(FASTAPI).tables}
    assert tables["bank.accounts.models.Account"].keys_to == []
    assert tables["bank.ledger.models.Entry"].keys_to == ["bank.accounts.models.Account"]


@pytest.fixture
def git(tmp_path: Path) -> Path:
    """The shop in a repository with two commits, one of which changes two units."""
    root = write(tmp_path / "shop", SHOP)
    who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "a@example.org"}

    def run(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, env={**os.environ, **who})

    run("init", "-q", "-b", "main")
    run("add", "shop/orders")
    run("commit", "-q", "-m", "orders")
    run("add", ".")
    run("commit", "-q", "-m", "rest")
    return root


def test_what_changes_together_is_counted(git: Path) -> None:
    document = build(audit(git, OPTIONS), OPTIONS)
    assert document.history.commits == 2
    assert document.measures.lockstep_share == 0.5
    stock = next(c for c in document.candidates if c.name == "shop.stock")
    assert (stock.commits, stock.lockstep.value) == (1, 1.0)
    assert stock.lockstep_with == {"shop": 1, "shop.reports": 1, "shop.users": 1}


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path, document: Document) -> None:
    write(tmp_path / "shop", SHOP)
    printed = []
    for seed, processes in ((0, 1), (1, 2)):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "shop"), str(processes)]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        printed.append(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
    assert printed[0] == printed[1] == encode(document)
    assert decode(printed[0]) == document


def test_groups_come_with_how_clear_they_are(document: Document) -> None:
    assert document.structure.clear is (document.structure.modularity > document.structure.null)
    assert document.structure.clear or document.groups == []
