"""Snapshots: what is written is read again, and what is damaged has its line."""

from __future__ import annotations

import pytest

from calve.contract.lock.snapshot import UnitContracts, read_snapshot, write_snapshot
from calve.core.errors import ConfigError

from .conftest import Described


def test_what_is_written_is_read(described: Described) -> None:
    till = described()
    units = {"front": UnitContracts({}, {"till": till}), "money": UnitContracts({"till": till}, {})}
    text = write_snapshot(units)
    assert read_snapshot(text.encode(), "x.json") == units
    assert write_snapshot(dict(reversed(units.items()))) == text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x.json: is no snapshot of contracts: Input data was truncated; write it anew"),
        (b"\xff", "is no snapshot of contracts"),
        (b"{}", "is no snapshot of contracts: Object missing required field `snapshot`"),
        (b'{"snapshot": 2}', "is of format 2, and this Calve reads 1"),
        (b'{"snapshot": 1, "unit": {}}', "Object contains unknown field `unit`"),
        (b'{"snapshot": 1, "units": {"a": {"provides": [{}]}}}', "x.json: what a provides: is no contract lock"),
        (b'{"snapshot": 1, "units": {"a": {"consumes": [{"lock": 1}]}}}', "x.json: what a consumes: is not as"),
    ],
)
def test_what_is_none_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_snapshot(data, "x.json")
    assert says in str(caught.value)


def test_an_edited_snapshot_is_noticed(described: Described) -> None:
    text = write_snapshot({"money": UnitContracts({"till": described()}, {})})
    with pytest.raises(ConfigError, match="what money provides: was edited by hand"):
        read_snapshot(text.replace('"max_length": 40', '"max_length": 41').encode(), "x.json")
