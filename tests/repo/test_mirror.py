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
TRACED = "audit/trace/test_run.py"
STORE_SUITE = "store/sqlite/test_conformance.py"
GUARDED_CALLS = "service/resilience/test_unary.py"
CONTRACT_CHECK, CONTRACT_COMPAT = "cli/test_contract_check.py", "testing/contracts/test_compat.py"

TESTED_BY = {
    "audit/judging/weighing.py": "audit/judging/test_verdict.py",
    "audit/reading/facts.py": "audit/reading/test_extract.py",
    "audit/reading/imports.py": "audit/reading/test_extract.py",
    "audit/reading/syntax.py": "audit/reading/test_extract.py",
    "audit/reading/vocabulary.py": "audit/reading/test_extract.py",
    "audit/report/words.py": "audit/report/test_screen.py",
    "audit/trace/recorder/django.py": TRACED,
    "audit/trace/recorder/hooks.py": TRACED,
    "audit/trace/recorder/record.py": TRACED,
    "audit/trace/recorder/sqlalchemy.py": TRACED,
    "boundaries/contracts.py": "boundaries/test_territory.py",
    "boundaries/flow.py": "boundaries/test_calls.py",
    "boundaries/markdown.py": "boundaries/test_catalog.py",
    "boundaries/names.py": "boundaries/test_imports.py",
    "boundaries/source.py": "boundaries/test_territory.py",
    "boundaries/walk.py": "boundaries/test_calls.py",
    "cli/contract_lock.py": CONTRACT_CHECK,
    "cli/contract_locks.py": CONTRACT_CHECK,
    "cli/contract_report.py": CONTRACT_CHECK,
    "contract/lock/limits.py": "contract/lock/test_reading.py",
    "contract/lock/model.py": "contract/lock/test_describe.py",
    "bootstrap/provisioning.py": "cli/test_store.py",
    "core/policy.py": "contract/test_policies.py",
    "eject/base.py": "eject/test_ejecting.py",
    "eject/clients.py": "eject/test_shop.py",
    "eject/composing.py": "eject/test_ejecting.py",
    "eject/facts.py": "eject/test_ejecting.py",
    "eject/names.py": "eject/test_rewrite.py",
    "eject/project.py": "eject/test_ejecting.py",
    "eject/routes.py": "eject/test_ejecting.py",
    "eject/signatures.py": "eject/test_ejecting.py",
    "cli/reach.py": "cli/test_call.py",
    "messaging/desk.py": "cli/test_events.py",
    "messaging/consumers.py": "messaging/test_remote.py",
    "messaging/held.py": "messaging/test_dispatcher.py",
    "store/postgres/lease.py": "messaging/test_lease.py",
    "messaging/local.py": "messaging/test_remote.py",
    "messaging/batch.py": "messaging/test_dispatcher.py",
    "messaging/suspects.py": "messaging/test_crash.py",
    "messaging/parking.py": "messaging/test_dispatcher.py",
    "messaging/progress.py": "messaging/test_dispatcher.py",
    "observe/base.py": "observe/test_tracing.py",
    "service/resilience/counts.py": GUARDED_CALLS,
    "service/resilience/guard.py": GUARDED_CALLS,
    "service/resilience/guards.py": GUARDED_CALLS,
    "service/resilience/retry.py": GUARDED_CALLS,
    "store/base.py": STORE_SUITE,
    "store/inbox.py": "messaging/test_dispatcher.py",
    "store/log/base.py": STORE_SUITE,
    "store/log/outlet.py": STORE_SUITE,
    "store/marks.py": STORE_SUITE,
    "store/errors.py": "store/sqlite/test_errors.py",
    "store/postgres/append.py": "store/postgres/test_log.py",
    "store/postgres/block.py": "store/postgres/test_transaction.py",
    "store/postgres/plan.py": "store/postgres/test_values.py",
    "store/postgres/store.py": "store/postgres/test_conformance.py",
    "store/sqlite/connection.py": "store/sqlite/test_opening.py",
    "store/sqlite/log.py": STORE_SUITE,
    "store/sqlite/lock.py": "store/sqlite/test_opening.py",
    "store/sqlite/lease.py": "store/sqlite/test_pacing.py",
    "store/sqlite/plan.py": "store/sqlite/test_pacing.py",
    "store/sqlite/store.py": STORE_SUITE,
    "store/sqlite/transaction.py": "store/sqlite/test_interleavings.py",
    "store/sqlite/workers.py": "store/sqlite/test_writer.py",
    "store/values.py": "store/sqlite/test_values.py",
    "testing/asgi.py": "transport/rest/test_edge.py",
    "testing/certificates.py": "transport/wire/test_tls.py",
    "testing/contracts/samples.py": CONTRACT_COMPAT,
    "testing/contracts/types.py": CONTRACT_COMPAT,
    "testing/disk.py": "store/sqlite/test_power.py",
    "testing/fakes/wire.py": WIRE_CONNECTIONS,
    "testing/store_suite/log.py": STORE_SUITE,
    "testing/store_suite/marks.py": STORE_SUITE,
    "testing/store_suite/rows.py": STORE_SUITE,
    "testing/store_suite/transactions.py": STORE_SUITE,
    "transport/adopt/lifespan.py": "transport/adopt/test_app.py",
    "transport/adopt/routes.py": "transport/adopt/test_http.py",
    "transport/adopt/tasks.py": "transport/adopt/test_app.py",
    "transport/rest/base.py": "transport/rest/test_edge.py",
    "transport/rest/exchange_asgi.py": "transport/rest/test_exchange.py",
    "transport/rest/exchange_direct.py": "transport/rest/test_exchange.py",
    "transport/rest/pages.py": "transport/rest/test_docs.py",
    "transport/rest/problem.py": "transport/rest/test_unary.py",
    "transport/rest/refusals.py": "transport/rest/test_client.py",
    "transport/rest/server_granian.py": "transport/rest/test_server.py",
    "transport/rest/server_uvicorn.py": "transport/rest/test_server.py",
    "transport/rest/texts.py": "transport/rest/test_arguments.py",
    "transport/wire/base.py": WIRE_CONNECTIONS,
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
    "audit/test_bad_input.py": "what an audit makes of anything that may lie in a repository",
    "audit/resolving/test_grimp.py": "the same imports as another reader sees",
    "audit/judging/test_freed.py": "what would free a part of a large project",
    "bootstrap/test_traces.py": "one trace over every kind of hop",
    "messaging/test_crash.py": "a process killed between publishing and handling",
    "core/test_codec_pydantic.py": "the codec and the models of another library",
    "eject/test_support.py": "the support package of ejected services at work",
    "service/test_collisions.py": "operations that run again after a collision",
    "service/test_chain_streams.py": "the chain around streams",
    "store/postgres/test_pooler.py": "a pooler between store and server",
    "store/postgres/test_restart.py": "a server killed under load",
    "service/idempotency/test_crash.py": "a process killed between a command's effect and its answer",
    "service/idempotency/test_leaving.py": "callers who go away while their command runs",
    "service/idempotency/test_model.py": "any sequence of repeats, failures and restarts",
    "store/sqlite/test_crash.py": "a process killed at random moments",
    "store/sqlite/test_faults.py": "a failing disk",
    "store/sqlite/test_writer_cancellation.py": "cancellation at every point of a transaction",
    "store/test_typing.py": "what a type checker says of right and wrong use",
    "testing/divergence/test_calls.py": "calls that mean the same on every runner",
    "testing/divergence/test_failures.py": "failures that mean the same on every runner",
    "testing/divergence/test_policies.py": "policies that mean the same on every runner",
    "testing/divergence/test_repeats.py": "repeated commands that mean the same on every runner",
    "testing/divergence/test_strict.py": "strict mode means the same on every runner",
    "testing/divergence/test_values.py": "values that mean the same on every runner",
    "transport/rest/http1/test_parsing_peer.py": "the same requests as another parser sees",
    "transport/rest/test_hostile.py": "whatever a hostile client sends",
    "transport/rest/test_server_sharing.py": "one HTTP server in place of another",
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
