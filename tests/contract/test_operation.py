"""Contracts, resolved: what is found on a class, and every fault of one with its place and next step."""

from __future__ import annotations

import types
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
import pytest

from calve import Contract, DomainError, Event, Message, command, query
from calve.contract import ContractError, Operation, Version, describe, is_contract
from calve.contract.operation import issubclass_contract


class Balance(Message):
    owner: UUID
    cents: int


class Untagged(Message):
    cents: int


class WalletDebited(Event):
    cents: int


class InsufficientFunds(DomainError):
    status = 409
    missing_cents: int


class UnknownWallet(DomainError):
    status = 404


class Wallet(Contract, Protocol, version="1.2", publishes=[WalletDebited]):
    """Money held for a customer.

    In cents.
    """

    @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds, UnknownWallet], role="wallet:write")
    async def debit(
        self, owner: UUID, cents: Annotated[int, msgspec.Meta(ge=1)], *, note: str | None = None
    ) -> Balance:
        """Take money out.

        At least a cent.
        """
        ...

    @query(http="GET /wallets/{owner}", timeout_seconds=0.5)
    async def balance(self, owner: UUID) -> Balance: ...

    @query()
    def history(self, owner: UUID, limit: int = 10) -> AsyncIterator[Balance]: ...

    @command(http="PUT /wallets")
    async def replace(self, balance: Balance) -> None: ...


def operation(name: str) -> Operation:
    """An operation of the wallet."""
    return describe(Wallet).operations[name]


def test_a_contract_is_described_once() -> None:
    info = describe(Wallet)
    assert describe(Wallet) is info
    assert (info.cls, info.name, info.version) == (Wallet, "Wallet", Version(1, 2))
    assert info.doc == "Money held for a customer.\n\nIn cents."
    assert list(info.operations) == ["debit", "balance", "history", "replace"]
    assert info.publishes == (WalletDebited,)


def test_an_operation_knows_what_its_decorator_said() -> None:
    debit = operation("debit")
    assert (debit.contract, debit.key, debit.kind) == ("Wallet", "Wallet/1.2/debit", "command")
    assert (debit.role, debit.raises) == ("wallet:write", (InsufficientFunds, UnknownWallet))
    assert debit.doc == "Take money out.\n\nAt least a cent."
    assert debit.errors_by_name["UnknownWallet"][0] is UnknownWallet
    assert operation("balance").doc == ""


def test_timeouts_have_defaults_by_kind() -> None:
    assert [operation(n).timeout_seconds for n in ("debit", "balance", "history")] == [10.0, 0.5, 3600.0]


def test_the_request_is_called_like_the_method() -> None:
    debit, owner = operation("debit"), UUID(int=1)
    assert (debit.params, debit.positional) == (("owner", "cents", "note"), ("owner", "cents"))
    assert debit.request(owner, 5) == debit.request(cents=5, owner=owner, note=None)
    with pytest.raises(TypeError):
        debit.request(owner, 5, "note")
    request = debit.request(owner, 5, note="a")
    assert debit.request_codec.copy(request) == request


def test_a_keyword_parameter_may_be_required_after_a_default() -> None:
    class Search(Contract, Protocol, version="1.0"):
        @query(http="GET /search")
        async def find(self, text: str = "", *, limit: int) -> int: ...

    find = describe(Search).operations["find"]
    assert (find.params, find.positional) == (("text", "limit"), ("text",))
    assert find.request(limit=3) == find.request("", limit=3)


def test_answers_and_streams() -> None:
    assert (operation("debit").response, operation("debit").streaming) == (Balance, False)
    assert (operation("history").response, operation("history").streaming) == (Balance, True)
    assert operation("replace").response is type(None)


def test_http_rules() -> None:
    debit, replace = operation("debit").http, operation("replace").http
    assert debit is not None
    assert (debit.method, debit.path_params, debit.status) == ("POST", ("owner",), 200)
    assert replace is not None
    assert replace.status == 204
    assert operation("history").http is None


def test_one_message_is_the_body() -> None:
    assert operation("replace").body_param == "balance"
    assert operation("debit").body_param is None
    assert operation("history").body_param is None


def test_contracts_can_extend_contracts() -> None:
    class Savings(Wallet, Protocol, version="2.0"):
        @query()
        async def rate(self) -> float: ...

    info = describe(Savings)
    assert list(info.operations) == ["debit", "balance", "history", "replace", "rate"]
    assert info.operations["debit"].key == "Savings/2.0/debit"
    assert info.doc == ""
    assert describe(Wallet).operations["debit"].key == "Wallet/1.2/debit"


def test_what_is_a_contract() -> None:
    class Service(Wallet):
        pass

    assert is_contract(Wallet)
    assert not any(is_contract(other) for other in (Contract, Service, Balance, Wallet.__init__, "Wallet", Protocol))
    assert issubclass_contract(Service)
    with pytest.raises(ContractError, match="not a contract; give it the bases Contract and Protocol"):
        describe(Service)


def test_versions() -> None:
    assert Version.parse("1.20") == (1, 20)
    assert str(Version(1, 20)) == "1.20"
    for text in ("1", "1.0.0", "a.b", "1.-1", "1_0.0", "\uff11.0", ""):
        with pytest.raises(ValueError, match=r"not 'major\.minor'"):
            Version.parse(text)


def test_a_contract_may_only_publish() -> None:
    class Weather(Contract, Protocol, version="1.0", publishes=[WalletDebited]):
        pass

    class Forecast(Contract, Protocol, version="1.0"):
        publishes: ClassVar[Sequence[type[Event]]] = [WalletDebited]

    for announcing in (Weather, Forecast):
        assert describe(announcing).operations == {}
        assert describe(announcing).publishes == (WalletDebited,)


# --- faults


def contract(**members: Any) -> type[Contract]:
    """A contract made of these members."""
    body = {"__module__": __name__, **members}
    return types.new_class("Broken", (Contract, Protocol), {"version": "1.0"}, lambda ns: ns.update(body))


def fault(**members: Any) -> str:
    """What is wrong with a contract made of these members."""
    with pytest.raises(ContractError) as caught:
        describe(contract(**members))
    return str(caught.value)


class AnotherWalletDebited:
    class WalletDebited(Event):
        pass


class AnotherUnknownWallet:
    class UnknownWallet(DomainError):
        pass


class ServerFault(DomainError):
    status = 503


class SharedDefault(DomainError):
    rows: list[int] = [1]  # noqa: RUF012


class Uncarried(Event):
    both: Untagged | Balance


def test_a_contract_has_to_promise_something() -> None:
    assert fault() == f"{__name__}.Broken: a contract without operations; add a @command or a @query"


def test_every_public_method_says_what_it_is() -> None:
    async def unary(self: Any) -> None: ...

    def stream(self: Any) -> AsyncIterator[int]:
        raise NotImplementedError

    for method in (unary, stream):
        assert fault(forgotten=method) == (
            f"{__name__}.Broken.forgotten: a method without @command or @query; say which of both it is"
        )


def test_private_methods_and_other_attributes_are_left_alone() -> None:
    @query()
    async def known(self: Any) -> None: ...

    def _helper(self: Any) -> None: ...

    assert list(describe(contract(known=known, _helper=_helper, limit=5)).operations) == ["known"]


def test_annotations_are_needed() -> None:
    @query()
    async def parameter(self, cents) -> None: ...  # type: ignore[no-untyped-def]

    @query()
    async def answer(self, cents: int): ...  # type: ignore[no-untyped-def]

    @query()
    async def unknown(self: Any, cents: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    @query()
    async def absent(self: Any, cents: types.Missing) -> None: ...  # type: ignore[name-defined]

    assert "parameter 'cents' has no annotation" in fault(x=parameter)
    assert "no return annotation; annotate the answer, or -> None" in fault(x=answer)
    for method in (unknown, absent):
        assert "annotation cannot be resolved: " in fault(x=method)
        assert "import the type outside TYPE_CHECKING" in fault(x=method)


def test_parameters_need_a_name_and_no_shared_default() -> None:
    @query()
    async def many(self: Any, *cents: int) -> None: ...

    @query()
    async def named(self: Any, **cents: int) -> None: ...

    @query()
    async def positional(self: Any, cents: int, /) -> None: ...

    @query()
    async def shared(self: Any, cents: list[int] = []) -> None: ...  # noqa: B006

    for method, name in ((many, "*cents: 'int'"), (named, "**cents: 'int'"), (positional, "cents: 'int'")):
        assert f"parameter {name} has no name to send; use plain parameters" in fault(x=method)
    assert "parameter 'cents' has a mutable default; use a tuple or None" in fault(x=shared)


class Loose(msgspec.Struct):
    rows: list[int]


def test_a_default_that_can_be_changed_is_refused_wherever_it_hides() -> None:
    @query()
    async def shared(self: Any, loose: Loose = Loose([])) -> None: ...  # noqa: B008

    assert "parameters cannot be carried: " in fault(x=shared)


def test_types_have_to_be_carried() -> None:
    @query()
    async def parameter(self: Any, both: Untagged | Balance) -> None: ...

    @query()
    async def answer(self: Any) -> Untagged | Balance:
        raise NotImplementedError

    assert "Broken.x: cannot be carried: " in fault(x=parameter)
    assert "Broken.x -> answer: cannot be carried: " in fault(x=answer)
    assert "give the messages of a union a tag: class Card(Message, tag=True)" in fault(x=answer)


def test_an_operation_is_async_or_a_stream() -> None:
    @query()
    def plain(self: Any) -> None: ...

    @query()
    async def twice(self: Any) -> AsyncIterator[int]:
        raise NotImplementedError

    @query()
    def fed(self: Any) -> AsyncGenerator[int, str]:
        raise NotImplementedError

    @query()
    def iterable(self: Any) -> AsyncIterable[int]:
        raise NotImplementedError

    @query()
    def bare(self: Any) -> AsyncIterator:  # type: ignore[type-arg]
        raise NotImplementedError

    assert "not async; declare it with async def, or let it return AsyncIterator[T]" in fault(x=plain)
    assert "a streaming operation returns its iterator at once; declare it with def, not async def" in fault(x=twice)
    for method in (iterable, bare):
        assert "is not AsyncIterator[T]; name the type of one item" in fault(x=method)
    assert "takes values; write AsyncGenerator[T, None]" in fault(x=fed)


def test_a_stream_may_say_that_it_can_be_closed() -> None:
    class Ticker(Contract, Protocol, version="1.0"):
        @query()
        def x(self) -> AsyncGenerator[int, None]: ...

    assert describe(Ticker).operations["x"].streaming


@pytest.mark.parametrize(
    ("raises", "text"),
    [
        ([ValueError], "raises <class 'ValueError'>, which is no DomainError"),
        (
            [UnknownWallet, AnotherUnknownWallet.UnknownWallet],
            "raises two errors named UnknownWallet; rename one of them",
        ),
        ([UnknownWallet, UnknownWallet], "raises two errors named UnknownWallet"),
        ([ServerFault], "status of ServerFault is 503, not 400 to 499"),
        ([SharedDefault], "fields cannot be carried: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_operation_raises_is_checked(raises: list[Any], text: str) -> None:
    @query(raises=raises)
    async def x(self: Any) -> None: ...

    assert text in fault(x=x)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds is 0, not a positive number"),
        ({"timeout_seconds": float("inf")}, "timeout_seconds is inf, not a positive number"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds is nan, not a positive number"),
        ({"status": 404}, "status of a good answer is 404, not 200 to 299; raise a DomainError for others"),
    ],
)
def test_what_a_decorator_says_is_checked(mark: dict[str, Any], text: str) -> None:
    @query(**mark)
    async def x(self: Any) -> None: ...

    assert text in fault(x=x)


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([Balance], f"publishes <class '{__name__}.Balance'>, which is no Event"),
        (["WalletDebited"], "publishes 'WalletDebited', which is no Event"),
        ([WalletDebited, AnotherWalletDebited.WalletDebited], "publishes two events named WalletDebited"),
        ([Uncarried], "Broken publishes Uncarried: cannot be carried: "),
    ],
)
def test_what_a_contract_publishes_is_checked(events: list[Any], text: str) -> None:
    assert text in fault(publishes=events)


def test_paths_name_parameters_that_can_be_written() -> None:
    @query(http="GET /{owner}")
    async def unknown(self: Any, cents: int) -> None: ...

    @command(http="POST /{rows}")
    async def path(self: Any, rows: list[int]) -> None: ...

    @command(http="DELETE /x")
    async def text(self: Any, balance: Balance) -> None: ...

    assert "http path names {owner}, which is no parameter; parameters are: cents" in fault(x=unknown)
    assert "parameter 'rows' of type list[int] cannot be written in a path" in fault(x=path)
    assert "parameter 'balance' of type " in fault(x=text)
    assert "cannot be written in a query string; use a scalar there, or a method with a body" in fault(x=text)
