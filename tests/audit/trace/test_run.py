"""Real projects under their own tests: what is recorded, what is not, and what the command notices of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from audit_projects import write
from traced_projects import DJANGO, SECRETS

from calve.audit.trace.file import Span, Trace
from calve.audit.trace.run import INJECTED

Traced = tuple[Path, Trace]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROBE = """
import sys, os, json
import sitecustomize
print(json.dumps([sitecustomize.__file__, [p for p in sys.path if "injected" in p], sys.modules.get("sql") is None]))
"""


def _courses(trace: Trace, kind: str, function: str) -> list[set[tuple[str, str]]]:
    return [set(span.steps) for span in trace.spans if (span.kind, span.function) == (kind, function)]


def test_transactions_of_django(django_traced: Traced) -> None:
    trace = django_traced[1]
    assert {(s.path, s.function) for s in trace.spans if s.kind == "transaction"} == {
        ("shop/orders/services.py", name) for name in ("place", "cancel", "report", "fail", "tidy")
    }
    (place,) = _courses(trace, "transaction", "place")
    assert place == {
        ("write", "orders_order"),
        ("read", "stock_items"),
        ("write", "stock_items"),
        ("write", "orders_order_items"),
    }
    assert _courses(trace, "transaction", "cancel") == [{("write", "orders_order")}]
    assert _courses(trace, "transaction", "report") == [{("read", "orders_order")}]
    assert ("write", "stock_items") in _courses(trace, "transaction", "fail")[0]  # rolled back, and yet torn by a cut
    assert trace.errors == {}


def test_runs_are_counted(django_traced: Traced) -> None:
    assert [s.runs for s in django_traced[1].spans if (s.kind, s.function) == ("transaction", "place")] == [3]


def test_requests_of_django(django_traced: Traced) -> None:
    trace = django_traced[1]
    get, post = _courses(trace, "request", "Orders")
    assert get == {("read", "orders_order")}
    assert post > {("read", "users_customer"), ("write", "orders_order"), ("write", "stock_items")}
    assert _courses(trace, "request", "ping") == [{("read", "stock_items")}]
    assert {s.path for s in trace.spans if s.kind == "request"} == {"shop/urls.py"}


def test_a_process_that_ends_at_once_has_written_what_it_did(django_traced: Traced) -> None:
    assert django_traced[1].processes == 2
    assert _courses(django_traced[1], "transaction", "tidy")


def test_transactions_of_sqlalchemy(sqlalchemy_traced: Traced) -> None:
    trace = sqlalchemy_traced[1]
    assert {s.path for s in trace.spans if s.kind == "transaction"} == {"bank/ledger.py"}
    read, change, book = ("read", "accounts"), ("write", "accounts"), ("write", "entries")
    assert _courses(trace, "transaction", "book") == [{read, change, book}]  # not what the test did before
    assert _courses(trace, "transaction", "block") == [{change}]
    assert _courses(trace, "transaction", "core") == [{book}]
    assert _courses(trace, "transaction", "later") == [{read, book}]  # in a greenlet
    assert trace.errors == {}


def test_requests_of_starlette(sqlalchemy_traced: Traced) -> None:
    (entries,) = [span for span in sqlalchemy_traced[1].spans if span.kind == "request"]
    assert (entries.path, entries.function) == ("bank/web.py", "entries")
    assert ("write", "entries") in entries.steps


@pytest.mark.parametrize("project", ["django_traced", "sqlalchemy_traced"])
def test_no_value_is_in_the_trace(project: str, request: pytest.FixtureRequest) -> None:
    root, _ = request.getfixturevalue(project)
    written = (root / ".calve" / "trace.json").read_text()
    assert [secret for secret in SECRETS if secret in written] == []
    data = json.loads(written)
    assert set(data) == {"schema_version", "head", "processes", "hooks", "errors", "spans"}
    names = {table for span in data["spans"] for _, table in span["steps"]}
    assert names <= {"orders_order", "orders_order_items", "stock_items", "users_customer", "accounts", "entries"}
    assert {span["function"] for span in data["spans"]} <= {
        *("place", "cancel", "report", "fail", "tidy", "Orders", "ping"),
        *("book", "block", "core", "later", "entries"),
    }


def test_a_failing_command_ends_as_it_would(traced: Run, tmp_path: Path) -> None:
    root = write(tmp_path, DJANGO)
    done = traced(
        root, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "place or fails", "tests", FAIL="1"
    )
    assert done.returncode == 7, done.stdout + done.stderr
    trace = json.loads((root / ".calve" / "trace.json").read_text())
    assert "place" in {span["function"] for span in trace["spans"]}


def test_output_and_signals_pass(traced: Run, tmp_path: Path) -> None:
    done = traced(tmp_path, "sh", "-c", "echo out; echo err >&2; kill -TERM $$")
    assert (done.returncode, done.stdout) == (128 + 15, "out\n")
    assert done.stderr.startswith("err\ncalve: nothing was recorded: neither Django nor SQLAlchemy ran")
    assert not (tmp_path / ".calve").exists()


def test_a_command_is_ended_with_what_ran_it(tmp_path: Path) -> None:
    waiting = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    command = [sys.executable, "-m", "calve", "audit", "trace", "--", sys.executable, "-c", waiting]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.terminate()
        _, said = process.communicate(timeout=100)
    assert process.returncode == 128 + 15
    assert "nothing was recorded" in said
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_project_keeps_its_own_sitecustomize(traced: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")
    done = traced(tmp_path, sys.executable, "-c", PROBE)
    *_, own, rest = done.stdout.splitlines()  # the command itself is Python, too
    assert own == "own"
    assert json.loads(rest) == [str(tmp_path / "sitecustomize.py"), [], True]


def test_a_failure_of_the_recorder_is_told_and_does_not_reach_the_project(traced: Run, tmp_path: Path) -> None:
    (tmp_path / "sqlalchemy.py").write_text("secret = 'hush-hush'\n")  # nothing of what is to be listened to
    done = traced(tmp_path, sys.executable, "-c", "import sqlalchemy; print(sqlalchemy.secret)")
    assert (done.returncode, done.stdout) == (0, "hush-hush\n")
    assert "the recorder failed 1 time with AttributeError: something is missing" in done.stderr
    assert "hush-hush" not in done.stderr


def test_nothing_else_is_put_in_front_of_the_project() -> None:
    assert sorted(path.name for path in INJECTED.glob("*.py")) == ["__init__.py", "sitecustomize.py"]


def test_what_is_not_run_is_an_error(traced: Run, tmp_path: Path) -> None:
    done = traced(tmp_path, "no-such-command")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no-such-command cannot be run: No such file or directory" in done.stderr


def test_spans_sort() -> None:
    assert sorted([Span("transaction", "b", 1, "", (), 1), Span("request", "a", 1, "", (), 1)])[0].kind == "request"
