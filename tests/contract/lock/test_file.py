"""Lock files: what is written is read again, and every damage has its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.contract.lock import Description, load_lock, read_lock, write_lock
from calve.contract.lock.file import checksum
from calve.core.errors import ConfigError

from .conftest import Described

WHERE = "contracts/till.lock.json"


@pytest.fixture
def text(described: Described) -> str:
    """The lock of the contract that the corpus edits."""
    return write_lock(described())


def sealed(content: dict[str, Any]) -> bytes:
    """A lock with a checksum that fits, as only somebody who computes it can make one."""
    body = {key: value for key, value in content.items() if key not in ("lock", "checksum")}
    return json.dumps({"lock": content["lock"], "checksum": checksum(body), **body}).encode()


def test_what_is_written_is_read(described: Described, text: str) -> None:
    assert read_lock(text.encode(), WHERE) == described()


def test_it_is_the_same_text_every_time(described: Described, text: str) -> None:
    assert write_lock(described()) == text


def test_how_it_is_laid_out_does_not_matter(described: Described, text: str) -> None:
    assert read_lock(json.dumps(json.loads(text), indent=7, sort_keys=True).encode(), WHERE) == described()


def test_a_field_has_a_line(text: str) -> None:
    assert '        {"name": "sku", "type": "str", "max_length": 40},\n' in text
    assert '        {"name": "limit", "type": "int", "required": false, "default": 20},\n' in text
    assert all(len(line) <= 120 for line in text.splitlines())


def damage(text: str, what: str) -> bytes:
    content = json.loads(text)
    match what:
        case "edited":
            return text.replace('"max_length": 40', '"max_length": 50').encode()
        case "conflict":
            return text.replace("{", "{\n<<<<<<< HEAD", 1).encode()
        case "cut":
            return text[: len(text) // 2].encode()
        case "bytes":
            return b"\xff" + text.encode()
        case "list":
            return b"[]"
        case "deep":
            return b"[" * 100_000
        case "foreign":
            return b"{}"
        case "future":
            return sealed({**content, "lock": 2})
        case "unknown":
            content["operations"]["buy"]["colour"] = "red"
        case "type":
            content["operations"]["buy"]["answer"]["type"] = "number"
        case "missing":
            del content["version"]
        case "nowhere":
            del content["messages"]["Sparse"]
        case "error":
            del content["errors"]["NotFound"]
        case "event":
            content["events"].append("Lost")
    return sealed(content)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("edited", "was edited by hand: its checksum does not fit its content; restore it"),
        ("conflict", "has an unresolved merge conflict in line 2; take the whole file of the branch you merge into"),
        ("cut", r"is not JSON: .* in line \d+, column \d+"),
        ("bytes", "is not UTF-8: invalid start byte"),
        ("list", "is no contract lock"),
        ("deep", "is nested too deep|is not JSON"),
        ("foreign", "is no contract lock"),
        ("future", "is of format 2, and this Calve reads 1; use the Calve that wrote it"),
        ("unknown", r"is not as this Calve writes it: Object contains unknown field `colour` - at `\$.operations"),
        ("type", r"is not as this Calve writes it: Invalid enum value 'number' - at `\$.operations"),
        ("missing", "is not as this Calve writes it: Object missing required field `version`"),
        ("nowhere", "refers to 'Sparse', which is nowhere"),
        ("error", "order raises 'NotFound', which is nowhere"),
        ("event", "publishes 'Lost', which is nowhere"),
    ],
)
def test_a_damaged_lock_is_refused_with_the_next_step(text: str, what: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_lock(damage(text, what), WHERE)
    assert str(caught.value).startswith(f"{WHERE}: ")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_anything_else_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(ConfigError, match=re.escape(WHERE)):
        read_lock(data, WHERE)


def test_any_byte_that_is_changed_is_noticed_or_means_the_same(described: Described, text: str) -> None:
    whole = described()
    for place in range(0, len(text), 97):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        try:
            assert same(read_lock(changed.encode("utf-8", "replace"), WHERE), whole)
        except ConfigError:
            continue


def same(one: Description, other: Description) -> bool:
    return one == other


def test_no_lock_is_none_and_an_unreadable_one_an_error(tmp_path: Path) -> None:
    assert load_lock(tmp_path / "none", WHERE) is None
    with pytest.raises(ConfigError, match="cannot be read"):
        load_lock(tmp_path, WHERE)
