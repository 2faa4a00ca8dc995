"""Tests mirror modules: `src/calve/core/deadline.py` is tested in `tests/core/test_deadline.py`.

Some modules only make sense at work with their neighbours; for those the table says which tests exercise them. Test
files with the name of no module are in that table, or are about something larger, and then listed with what it is.
Modules of a few lines (records, constants) may go without either.
"""

from __future__ import annotations

from pathlib import Path

SMALL_LINES = 60
NOT_ROOMS = {"docs", "examples", "fuzz", "repo", "system"}
"""Folders of tests that are about no room."""

WIRE_CALLS, WIRE_CONNECTIONS = "transport/wire/test_calls.py", "transport/wire/test_connections.py"
STORE_SUITE = "store/sqlite/test_conformance.py"

TESTED_BY = {
    "observe/base.py": "observe/test_tracing.py",
    "store/base.py": STORE_SUITE,
    "store/errors.py": "store/sqlite/test_errors.py",
    "store/sqlite/connection.py": "store/sqlite/test_opening.py",
    "store/sqlite/lease.py": "store/sqlite/test_pacing.py",
    "store/sqlite/plan.py": "store/sqlite/test_pacing.py",
    "store/sqlite/store.py": STORE_SUITE,
    "store/sqlite/transaction.py": "store/sqlite/test_interleavings.py",
    "store/sqlite/workers.py": "store/sqlite/test_writer.py",
    "testing/asgi.py": "transport/rest/test_edge.py",
    "testing/certificates.py": "transport/wire/test_tls.py",
    "testing/disk.py": "store/sqlite/test_power.py",
    "testing/fakes/wire.py": WIRE_CONNECTIONS,
    "testing/store_suite/rows.py": STORE_SUITE,
    "testing/store_suite/transactions.py": STORE_SUITE,
    "transport/rest/pages.py": "transport/rest/test_docs.py",
    "transport/rest/problem.py": "transport/rest/test_unary.py",
    "transport/rest/server_granian.py": "transport/rest/test_server.py",
    "transport/rest/server_uvicorn.py": "transport/rest/test_server.py",
    "transport/rest/texts.py": "transport/rest/test_arguments.py",
    "transport/wire/channel.py": WIRE_CONNECTIONS,
    "transport/wire/client.py": WIRE_CALLS,
    "transport/wire/client_link.py": WIRE_CALLS,
    "transport/wire/frames.py": "transport/wire/test_protocol.py",
    "transport/wire/link.py": "transport/wire/test_streams.py",
    "transport/wire/protocol_client.py": "transport/wire/test_protocol.py",
    "transport/wire/protocol_server.py": "transport/wire/test_protocol.py",
    "transport/wire/server.py": "transport/wire/test_sockets.py",
    "transport/wire/server_link.py": WIRE_CALLS,
}
"""Module, relative to src/calve -> test file, relative to tests."""

TOPICS = {
    "bootstrap/test_traces.py": "one trace over every kind of hop",
    "core/test_codec_pydantic.py": "the codec and the models of another library",
    "service/test_chain_streams.py": "the chain around streams",
    "store/sqlite/test_crash.py": "a process killed at random moments",
    "store/sqlite/test_faults.py": "a failing disk",
    "store/sqlite/test_writer_cancellation.py": "cancellation at every point of a transaction",
    "store/test_typing.py": "what a type checker says of right and wrong use",
    "testing/divergence/test_calls.py": "calls that mean the same on every runner",
    "testing/divergence/test_failures.py": "failures that mean the same on every runner",
    "testing/divergence/test_values.py": "values that mean the same on every runner",
    "transport/rest/test_hostile.py": "whatever a hostile client sends",
    "transport/rest/test_schemathesis.py": "whatever the OpenAPI document allows, and what it does not",
    "transport/wire/test_drain.py": "ends that were asked for",
    "transport/wire/test_limits.py": "calls that are too large or too many",
    "transport/wire/test_protocol_properties.py": "any sequence of frames",
    "transport/wire/test_surroundings.py": "context variables of calls that come over a connection",
}
"""Test file, relative to tests -> what it is about, as no one module is."""


def _modules(root: Path) -> dict[str, int]:
    """Modules that hold code of their own, with their lines."""
    source = root / "src" / "calve"
    paths = [p for p in source.rglob("*.py") if p.name not in ("__init__.py", "__main__.py") and p.parent != source]
    return {p.relative_to(source).as_posix(): p.read_text(encoding="utf-8").count("\n") for p in paths}


def _tests(root: Path) -> set[str]:
    folder = root / "tests"
    paths = (p.relative_to(folder) for p in folder.rglob("test_*.py"))
    return {p.as_posix() for p in paths if p.parts[0] not in NOT_ROOMS}


def _mirror(module: str) -> str:
    path = Path(module)
    return (path.parent / f"test_{path.name}").as_posix()


def test_every_module_is_tested_where_one_looks_for_it(root: Path) -> None:
    tests = _tests(root)
    without = {module: lines for module, lines in _modules(root).items() if _mirror(module) not in tests}
    assert {m for m, lines in without.items() if lines > SMALL_LINES} - set(TESTED_BY) == set()
    assert set(TESTED_BY) - set(without) == set(), "these have a test file of their own now, or are gone"
    assert set(TESTED_BY.values()) - tests == set(), "these are gone"


def test_every_test_file_is_about_something_known(root: Path) -> None:
    known = {_mirror(m) for m in _modules(root)} | set(TESTED_BY.values()) | set(TOPICS)
    assert _tests(root) - known == set()
    assert set(TOPICS) - _tests(root) == set(), "these are gone"
