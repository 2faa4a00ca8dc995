"""`assert_compatible`, as an application's tests use it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
import pytest

from calve import UNSET, Contract, DomainError, Event, Message, Meta, Unset, command, query
from calve.contract import describe
from calve.contract.lock import Description, describe_contract, write_lock
from calve.contract.lock.model import Field, MessageLock
from calve.core.errors import ConfigError
from calve.testing import assert_compatible
from calve.testing.contracts.compat import CodeSide, LockSide, misread
from calve.testing.contracts.samples import NoSample, Samples


class Leaf(Message):
    name: Annotated[str, Meta(max_length=5)]


class Tree(Message):
    leaf: Leaf
    left: Tree | None = None
    twigs: tuple[Tree, ...] = ()
    id: UUID | Unset = UNSET


class Felled(Event):
    tree: Tree
    by: str = "wind"


class Rotten(DomainError):
    status = 409
    rings: int


class Forest(Contract, Protocol, version="1.4", publishes=[Felled]):
    @command(raises=[Rotten])
    async def fell(self, tree: Tree, times: Annotated[int, Meta(ge=1, le=9)] = 1) -> Tree: ...

    @query()
    async def trees(self) -> dict[str, Tree]: ...


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock of Forest."""
    path = tmp_path / "forest.lock.json"
    path.write_text(write_lock(describe_contract("forest", describe(Forest)).description))
    return path


def narrower() -> Any:
    class Forest(Contract, Protocol, version="1.5"):
        @command(raises=[Rotten])
        async def fell(self, tree: Tree, times: Annotated[int, Meta(ge=1, le=8)] = 1) -> Tree: ...

    return Forest


def later() -> Any:
    class Forest(Contract, Protocol, version="2.0"):
        @query()
        async def trees(self) -> int: ...

    return Forest


def test_a_contract_understands_its_own_lock(lock: Path) -> None:
    assert_compatible(Forest, lock)
    assert_compatible(Forest, str(lock))


def test_what_is_not_read_fails_with_the_sample(lock: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_compatible(narrower(), lock)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Forest 1.5 and 1.4 as locked differ:"
    assert lines[1].startswith("Forest.fell request (msgpack): Expected `int` <= 8 at $.times, in {'tree': ")
    assert len(lines) < 15


def test_another_major_version_was_never_promised(lock: Path) -> None:
    with pytest.raises(ConfigError, match=r"forest.lock.json: is of Forest 1.4, and the code of 2.0"):
        assert_compatible(later(), lock)


def test_a_lock_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        assert_compatible(Forest, tmp_path / "nothing")


def test_types_made_from_a_lock_are_those_of_the_code() -> None:
    code = CodeSide(describe(Forest))
    locked = LockSide(code.description)
    assert list(misread(locked, code)) == list(misread(code, locked)) == []
    tree = Tree(leaf=Leaf(name="oak"), twigs=(Tree(leaf=Leaf(name="fir")),))
    data = code.answer("fell").encode(tree)
    assert locked.answer("fell").encode(locked.answer("fell").decode(data)) == data
    assert code.event("Felled").encode(Felled(tree=tree)) == locked.event("Felled").encode(
        locked.event("Felled").decode(code.event("Felled").encode(Felled(tree=tree)))
    )
    assert code.error("Rotten").decode(locked.error("Rotten").encode(msgspec.structs.asdict(Rotten(rings=3).fields())))


def test_samples_reach_every_limit_and_every_option() -> None:
    description = CodeSide(describe(Forest)).description
    sent = Samples(description, sparse=True).objects(description.request("fell"))
    assert {s["times"] for s in sent if "times" in s} >= {1, 2, 8, 9}
    assert any("times" not in s for s in sent)
    assert {len(s["tree"]["leaf"]["name"]) for s in sent} >= {0, 1, 5}
    assert any(s["tree"].get("left") for s in sent)
    assert any("id" not in s["tree"] for s in sent)


def test_a_type_that_nothing_is_of_has_no_sample() -> None:
    endless = MessageLock(fields=(Field(name="next", type="ref", ref="Endless"),))
    description = Description(service="s", contract="S", version="1.0", messages={"Endless": endless})
    with pytest.raises(NoSample):
        Samples(description).objects(endless)
