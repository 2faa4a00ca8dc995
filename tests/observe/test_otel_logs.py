"""Log lines in OpenTelemetry's terms, with an exporter in memory; test_telemetry.py sends them over OTLP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource

from calve.core.context import CallContext, _current
from calve.core.secret import Secret
from calve.core.trace import TraceContext
from calve.observe import Logger
from calve.observe.otel_logs import OtelLogHandler

make_exporter: Any = InMemoryLogRecordExporter  # its constructor has no types


class Rig:
    """A handler on a logger of its own, so that nothing else is heard."""

    def __init__(self) -> None:
        self.exporter = make_exporter()
        self.handler = OtelLogHandler([self.exporter], Resource({"service.name": "money"}))
        self.log = Logger("calve.test.otel_logs")
        logger = logging.getLogger("calve.test.otel_logs")
        logger.addHandler(self.handler)
        logger.setLevel(logging.DEBUG)

    def close(self) -> None:
        logger = logging.getLogger("calve.test.otel_logs")
        logger.removeHandler(self.handler)
        logger.setLevel(logging.NOTSET)

    async def records(self) -> list[Any]:
        await self.handler.aclose(5.0)
        return [exported.log_record for exported in self.exporter.get_finished_logs()]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A rig whose logger is put back afterwards."""
    rig = Rig()
    yield rig
    rig.close()


async def test_levels_become_severities(rig: Rig) -> None:
    for level in (logging.DEBUG, logging.INFO, 25, logging.WARNING, logging.ERROR, logging.CRITICAL, 99):
        logging.getLogger("calve.test.otel_logs").log(level, "x")
    assert [record.severity_text for record in await rig.records()] == [
        "DEBUG",
        "INFO",
        "INFO",
        "WARN",
        "ERROR",
        "FATAL",
        "FATAL",
    ]


async def test_a_line_is_in_the_trace_of_its_call_sampled_or_not(rig: Rig) -> None:
    for sampled in (True, False):
        token = _current.set(CallContext("wallet.debit", trace=TraceContext(0xAB, 0xCD, sampled)))
        rig.log.info("x")
        _current.reset(token)
    rig.log.info("x")
    assert [(r.trace_id, r.span_id, int(r.trace_flags or 0)) for r in await rig.records()] == [
        (0xAB, 0xCD, 1),
        (0xAB, 0xCD, 0),
        (0, 0, 0),
    ]


async def test_fields_become_attributes_that_otlp_can_carry(rig: Rig) -> None:
    rig.log.info(
        "x", text="a", whole=1, part=0.5, flag=True, big=2**70, password=Secret("s3cr3t"), items=[1, {"a": None}]
    )
    [record] = await rig.records()
    assert dict(record.attributes) == {
        "text": "a",
        "whole": 1,
        "part": 0.5,
        "flag": True,
        "big": str(2**70),
        "password": "***",
        "items": '[1,{"a":null}]',
        "logger.name": "calve.test.otel_logs",
    }


async def test_a_handler_that_fails_does_not_reach_the_application(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr("calve.observe.otel_logs._log_record", broken)
    rig.log.info("x")
    assert "disk on fire" in capsys.readouterr().err
    assert await rig.records() == []
