"""apsw's exceptions stay inside: each has a translation, whatever raises it."""

from __future__ import annotations

import pickle

import apsw
import pytest

from calve.core.errors import StoreError
from calve.store import ConstraintViolated, StatementError, StoreBusy, StoreUnavailable
from calve.store.sqlite.errors import KINDS, translate

APSW = [
    kind
    for name in dir(apsw)
    if isinstance(kind := getattr(apsw, name), type) and issubclass(kind, Exception) and kind.__module__ == "apsw"
]


def test_apsw_has_exceptions_at_all() -> None:
    assert len(APSW) > 35


@pytest.mark.parametrize("kind", APSW)
def test_each_exception_has_its_translation(kind: type[Exception]) -> None:
    assert kind.__name__ in KINDS
    error = translate(kind("it broke"), "SELECT 1")
    assert type(error) is KINDS[kind.__name__]
    assert isinstance(error, StoreError)
    assert not isinstance(error, apsw.Error)
    assert "it broke" in str(error)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (apsw.SQLITE_BUSY, StoreBusy),
        (apsw.SQLITE_CORRUPT, StoreUnavailable),
        (apsw.SQLITE_ERROR, StatementError),
        (apsw.SQLITE_FULL, StoreUnavailable),
        (apsw.SQLITE_IOERR, StoreUnavailable),
        (apsw.SQLITE_LOCKED, StoreBusy),
        (apsw.SQLITE_MISMATCH, StatementError),
        (apsw.SQLITE_TOOBIG, StatementError),
    ],
)
def test_by_result_code(code: int, expected: type[StoreError]) -> None:
    assert type(translate(apsw.exception_for(code), "SELECT 1")) is expected


def test_a_class_that_a_later_apsw_brings_means_unavailable() -> None:
    assert type(translate(type("NewError", (apsw.Error,), {})("x"), "SELECT 1")) is StoreUnavailable


def test_a_full_disk_says_what_to_do() -> None:
    assert "free space" in str(translate(apsw.exception_for(apsw.SQLITE_FULL), "COMMIT"))


def test_no_memory_is_unavailable() -> None:
    assert "MemoryError" in str(translate(MemoryError(), "SELECT 1"))


def _constraint(schema: str, *statements: str) -> ConstraintViolated:
    raw = apsw.Connection(":memory:")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute(schema).fetchall()
    for statement in statements[:-1]:
        raw.execute(statement)
    with pytest.raises(apsw.ConstraintError) as caught:
        raw.execute(statements[-1])
    error = translate(caught.value, statements[-1])
    assert isinstance(error, ConstraintViolated)
    return error


@pytest.mark.parametrize(
    ("schema", "statements", "kind", "constraint"),
    [
        ("CREATE TABLE t (a UNIQUE)", ["INSERT INTO t VALUES (1)"] * 2, "unique", "t.a"),
        ("CREATE TABLE t (a, b, PRIMARY KEY (a, b))", ["INSERT INTO t VALUES (1, 2)"] * 2, "unique", "t.a, t.b"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY)", ["INSERT INTO t VALUES (1)"] * 2, "unique", "t.a"),
        ("CREATE TABLE t (a NOT NULL)", ["INSERT INTO t VALUES (NULL)"], "not_null", "t.a"),
        ("CREATE TABLE t (a CONSTRAINT small CHECK (a < 9))", ["INSERT INTO t VALUES (9)"], "check", "small"),
        ("CREATE TABLE t (a CHECK (a < 9))", ["INSERT INTO t VALUES (9)"], "check", "a < 9"),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b REFERENCES t (a))",
            ["INSERT INTO t VALUES (1, 2)"],
            "foreign_key",
            None,
        ),
        ("CREATE TABLE t (a INTEGER) STRICT", ["INSERT INTO t VALUES ('x')"], "other", None),
        (
            "CREATE TABLE t (a); CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'never'); END",
            ["INSERT INTO t VALUES (1)"],
            "other",
            None,
        ),
    ],
)
def test_constraints_by_kind_and_name(schema: str, statements: list[str], kind: str, constraint: str | None) -> None:
    error = _constraint(schema, *statements)
    assert (error.kind, error.constraint) == (kind, constraint)
    assert statements[-1] in str(error)


def test_a_syntax_error_names_its_line() -> None:
    raw = apsw.Connection(":memory:")
    sql = "SELECT 1\nFROM sqlite_schema\nWHER 1"
    with pytest.raises(apsw.SQLError) as caught:
        raw.execute(sql)
    assert 'near "1": syntax error at line 3' in str(translate(caught.value, sql))


@pytest.mark.parametrize("retryable", [True, False])
def test_errors_say_whether_to_try_again_and_survive_pickling(retryable: bool) -> None:
    error = StoreBusy("busy") if retryable else ConstraintViolated("no", "unique", "t.a")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)
    assert again.retryable is retryable
