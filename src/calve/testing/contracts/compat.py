"""Old reads new and new reads old: samples of one version are written with its types and read with the other's.

    def test_wallet_and_its_callers_of_before_understand_each_other() -> None:
        assert_compatible(Wallet, "contracts/wallet.lock.json")

Requests are written by the old version, as a Calve caller writes them and as any client might, with everything left out
that may be; the new one reads. Answers and errors go the other way, events both. Both MessagePack and JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from ...contract import ContractInfo, Version, describe
from ...contract.lock.describe import describe_contract
from ...contract.lock.file import read_lock
from ...contract.lock.model import Description, MessageLock, Shape
from ...core.codec import Codec
from ...core.errors import ConfigError, InvalidArgument
from .meaning import differences
from .samples import NoSample, Samples
from .types import LockedTypes

SHOWN_MAX = 10


class Misread(NamedTuple):
    """One sample that was not read, or not as it was meant."""

    where: str
    """Such as `Wallet.debit request`."""
    form: str
    """msgpack or json."""
    value: Any
    reason: str

    def __str__(self) -> str:
        shown = repr(self.value)
        return f"{self.where} ({self.form}): {self.reason}, in {shown if len(shown) < 200 else shown[:200] + '…'}"


class Side(Protocol):
    """One version: its description, and codecs of its types."""

    description: Description

    def request(self, operation: str) -> Codec[Any]:
        """Of the request of an operation."""
        ...

    def answer(self, operation: str) -> Codec[Any]:
        """Of its answer, or of one item."""
        ...

    def error(self, name: str) -> Codec[Any]:
        """Of the fields of an error."""
        ...

    def event(self, name: str) -> Codec[Any]:
        """Of an event."""
        ...


class LockSide:
    """A version that is known by its lock."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self._types = LockedTypes(description, Samples(description).first)

    def request(self, operation: str) -> Codec[Any]:
        """See `Side`."""
        return self._types.struct_codec(operation, self.description.request(operation))

    def answer(self, operation: str) -> Codec[Any]:
        """See `Side`."""
        return self._types.codec(self.description.operations[operation].answer)

    def error(self, name: str) -> Codec[Any]:
        """See `Side`."""
        return self._types.struct_codec(name, MessageLock(fields=self.description.errors[name].fields))

    def event(self, name: str) -> Codec[Any]:
        """See `Side`."""
        return self._types.codec(Shape(type="ref", ref=name))


class CodeSide:
    """The version that is in code."""

    def __init__(self, info: ContractInfo) -> None:
        self._info = info
        self.description = describe_contract("", info).description
        self._errors = {
            name: codec for op in info.operations.values() for name, (_, codec) in op.errors_by_name.items()
        }

    def request(self, operation: str) -> Codec[Any]:
        """See `Side`."""
        return self._info.operations[operation].request_codec

    def answer(self, operation: str) -> Codec[Any]:
        """See `Side`."""
        return self._info.operations[operation].response_codec

    def error(self, name: str) -> Codec[Any]:
        """See `Side`."""
        return self._errors[name]

    def event(self, name: str) -> Codec[Any]:
        """See `Side`."""
        return Codec(next(event for event in self._info.publishes if event.__name__ == name))


def assert_compatible(contract: type[Any], lock: str | Path) -> None:
    """Fail when callers or consumers of the locked version and the contract in code misunderstand each other.

    Args:
        contract: The contract class.
        lock: Path of a lock: the current one, or one that was kept of a version that is still out there.
    Raises:
        AssertionError: with the samples that are not read, or are read as something else.
        ConfigError: the lock cannot be read, or is that of another major version, which nobody promised to understand.
    """
    path = Path(lock)
    try:
        old = read_lock(path.read_bytes(), str(lock))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(lock)) from error
    info = describe(contract)
    if Version.parse(old.version).major != info.version.major:
        raise ConfigError(f"is of {old.contract} {old.version}, and the code of {info.version}", where=str(lock))
    found = list(misread(LockSide(old), CodeSide(info)))
    if found:
        more = f"\n… and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
        shown = "\n".join(map(str, found[:SHOWN_MAX]))
        raise AssertionError(f"{info.name} {info.version} and {old.version} as locked differ:\n{shown}{more}")


def misread(old: Side, new: Side) -> Iterator[Misread]:
    """Every sample that one of two versions writes and the other misreads, operation by operation."""
    then, now = old.description, new.description
    before, after = Samples(then, now, sparse=True), Samples(now, then)
    for name in sorted(then.operations.keys() & now.operations.keys()):
        label = f"{now.contract}.{name}"
        request = then.request(name)
        sent = _samples(before, request)
        yield from _check(f"{label} request", sent, old.request(name), new.request(name), lossy=False, raw=True)
        if then.operations[name].streaming == now.operations[name].streaming:
            answers = _values(after, now.operations[name].answer)
            yield from _check(f"{label} answer", answers, new.answer(name), old.answer(name), lossy=True)
    for name in sorted(then.errors.keys() & now.errors.keys()):
        raised = _samples(after, MessageLock(fields=now.errors[name].fields))
        yield from _check(f"error {name}", raised, new.error(name), old.error(name), lossy=True)
    for name in sorted(set(then.events) & set(now.events)):
        published = _samples(after, now.messages[name])
        yield from _check(f"event {name}", published, new.event(name), old.event(name), lossy=True)
        stored = _samples(before, then.messages[name])
        yield from _check(f"stored event {name}", stored, old.event(name), new.event(name), lossy=True, raw=True)


def _samples(samples: Samples, message: MessageLock) -> list[Any]:
    try:
        return samples.objects(message)
    except NoSample:
        return []


def _values(samples: Samples, shape: Shape) -> list[Any]:
    try:
        return samples.of(shape)
    except NoSample:
        return []


def _check(
    where: str, plain: list[Any], writer: Codec[Any], reader: Codec[Any], *, lossy: bool, raw: bool = False
) -> Iterator[Misread]:
    for sample in plain:
        text = msgspec.json.encode(sample)
        written = writer.decode_json(text)
        forms = [("msgpack", writer.encode(written)), ("json", writer.encode_json(written))]
        if raw:
            forms.append(("json", text))
        for form, data in forms:
            try:
                read = reader.decode(data) if form == "msgpack" else reader.decode_json(data)
            except InvalidArgument as error:
                yield Misread(where, form, sample, str(error))
                continue
            for reason in differences(written, read, lossy=lossy):
                yield Misread(where, form, sample, reason)
