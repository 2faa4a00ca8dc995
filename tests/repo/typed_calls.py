"""What a type checker makes of an application: right calls pass, wrong ones are found. See test_typing.py.

Every wrong line says which error is expected; a line that is not an error (any more) is one, too: an unused ignore.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, assert_type
from uuid import UUID

from calve import (
    UNSET,
    Call,
    Clock,
    Contract,
    DomainError,
    Event,
    Logger,
    Message,
    Meta,
    Middleware,
    Principal,
    Secret,
    Settings,
    Unset,
    call_options,
    command,
    current_call,
    query,
    stub,
    sync,
)
from calve.service import Proceed
from calve.testing import App, Runner, VirtualClock, stub_of


class Balance(Message):
    owner: UUID
    cents: Annotated[int, Meta(ge=0)] = 0
    note: str | None = None
    nick: str | Unset = UNSET


class Card(Message, tag=True):
    number: str


class WalletDebited(Event):
    owner: UUID


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet."""

    status = 409
    missing_cents: int
    currency: str = "EUR"


class WalletSettings(Settings):
    overdraft_cents: int = 0
    api_key: Secret


class Wallet(Contract, Protocol, version="1.0", publishes=[WalletDebited]):
    """Money held for a customer."""

    @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds], role="wallet:write")
    async def debit(self, owner: UUID, cents: int, *, note: str | None = None) -> Balance: ...

    @query()
    async def balance(self, owner: UUID) -> Balance: ...

    @query()
    def history(self, owner: UUID, limit: int = 10) -> AsyncIterator[Balance]: ...


class Desk(Contract, Protocol, version="1.0"):
    """Another contract."""

    @query()
    async def answer(self) -> str: ...

    @query()
    def queue(self) -> AsyncGenerator[int, None]: ...


class WalletService(Wallet):
    """Right."""

    def __init__(self, settings: WalletSettings, clock: Clock, log: Logger) -> None:
        self._settings, self._clock, self._log = settings, clock, log

    async def debit(self, owner: UUID, cents: int, *, note: str | None = None) -> Balance:
        if cents > self._settings.overdraft_cents:
            raise InsufficientFunds(missing_cents=cents)
        assert_type(self._clock.now(), datetime)
        self._log.info("debited", cents=cents)
        return Balance(owner=owner, cents=cents, note=note)

    async def balance(self, owner: UUID) -> Balance:
        return Balance(owner=owner)

    async def history(self, owner: UUID, limit: int = 10) -> AsyncIterator[Balance]:
        for _ in range(limit):
            yield Balance(owner=owner)


class WrongService(Wallet):
    """Wrong parameters and answers."""

    async def debit(self, owner: UUID, cents: str, *, note: str | None = None) -> Balance:  # type: ignore[override]
        return Balance(owner=owner)

    async def balance(self, owner: UUID) -> int:  # type: ignore[override]
        return 0


class WrongContract(Contract, Protocol, version=1):  # type: ignore[arg-type]
    @query(raises=[ValueError])  # type: ignore[list-item]
    async def find(self) -> int: ...
    @command(timeout="10")  # type: ignore[call-arg]
    async def save(self) -> int: ...


class WrongPublisher(Contract, Protocol, version="1.0", publishes=[Balance]):  # type: ignore[list-item]
    pass


async def right_calls(wallet: Wallet, owner: UUID) -> None:
    """What a caller writes."""
    balance = await wallet.debit(owner, 5, note="rent")
    assert_type(balance, Balance)
    assert_type(balance.cents, int)
    assert_type(balance.nick, str | Unset)
    if balance.nick is not UNSET:
        assert_type(balance.nick, str)
    async for entry in wallet.history(owner, limit=3):
        assert_type(entry, Balance)
    try:
        await wallet.balance(owner=owner)
    except InsufficientFunds as error:
        assert_type(error.missing_cents, int)
        assert_type(error.currency, str)
    with call_options(timeout_seconds=1.5, idempotency_key="k", principal=Principal("alice")) as context:
        assert_type(context.principal, Principal | None)
    call = current_call()
    if call is not None:
        assert_type(call.idempotency_key, str)


async def wrong_calls(wallet: Wallet, owner: UUID) -> None:
    """What a type checker has to find."""
    await wallet.debit(owner, "5")  # type: ignore[arg-type]
    await wallet.debit(str(owner), 5)  # type: ignore[arg-type]
    await wallet.debit(owner)  # type: ignore[call-arg]
    await wallet.debit(owner, 5, "rent")  # type: ignore[call-arg]
    await wallet.debit(owner, cent=5)  # type: ignore[call-arg]
    await wallet.credit(owner, 5)  # type: ignore[attr-defined]
    (await wallet.balance(owner)).dollars  # type: ignore[attr-defined]  # noqa: B018
    await wallet.history(owner)  # type: ignore[misc]
    for _ in wallet.history(owner):  # type: ignore[attr-defined]
        pass
    wallet.balance(owner).cents  # type: ignore[attr-defined]  # noqa: B018


async def streams_that_are_closed(wallet: Wallet, desk: Desk, owner: UUID) -> None:
    """A contract says whether its callers may close a stream."""
    async with aclosing(desk.queue()) as places:
        async for place in places:
            assert_type(place, int)
            break
    aclosing(wallet.history(owner))  # type: ignore[type-var]


def synchronous_calls(owner: UUID) -> None:
    """What code without `async` writes."""
    wallet = sync.client(Wallet)
    assert_type(wallet, sync.Client[Wallet])
    assert_type(wallet(Wallet.balance, owner), Balance)
    assert_type(wallet(Wallet.debit, owner, 5, note="rent").cents, int)
    for entry in wallet(Wallet.history, owner, limit=3):
        assert_type(entry, Balance)
    assert_type(wallet.balance(owner), Any)
    wallet(Wallet.balance, "x")  # type: ignore[call-overload]
    wallet(Wallet.debit, owner)  # type: ignore[call-overload]
    wallet(Desk.answer)  # type: ignore[call-overload]
    with sync.connect() as connection:
        assert_type(connection.client(Wallet), sync.Client[Wallet])


async def adopted_calls(owner: UUID) -> None:
    """What an adopted application writes."""
    wallet = stub(Wallet)
    assert_type(wallet, Wallet)
    assert_type(await wallet.balance(owner), Balance)
    await wallet.balance("x")  # type: ignore[arg-type]


def messages(owner: UUID) -> None:
    """Constructors of messages and events."""
    balance = Balance(owner=owner, cents=1)
    Balance(owner=owner, note=None, nick="a")
    WalletDebited(owner=owner)
    Balance(owner, 1)  # type: ignore[call-arg]
    Balance(cents=1)  # type: ignore[call-arg]
    Balance(owner="x")  # type: ignore[arg-type]
    Balance(owner=owner, cent=1)  # type: ignore[call-arg]
    Balance(owner=owner, nick=None)  # type: ignore[arg-type]
    balance.cents = 2  # type: ignore[misc]


def domain_errors() -> None:
    """Constructors of domain errors."""
    assert_type(InsufficientFunds(missing_cents=5, currency="USD").status, int)
    InsufficientFunds()  # type: ignore[call-arg]
    InsufficientFunds(5)  # type: ignore[call-arg]
    InsufficientFunds(missing_cents="5")  # type: ignore[arg-type]
    InsufficientFunds(missing_cents=5, status=404)  # type: ignore[call-arg]
    InsufficientFunds(missing_cents=5, hint="x")  # type: ignore[call-arg]


class Audit:
    """A middleware."""

    seen: ClassVar[list[str]] = []

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        assert_type(call.service, str)
        return await proceed(call)


class NoMiddleware:
    """Has another signature."""

    async def __call__(self, call: Call) -> Any: ...


def middleware() -> None:
    """The middleware port."""
    right: Middleware = Audit()
    wrong: Middleware = NoMiddleware()  # type: ignore[assignment]
    assert right is not wrong


async def application_tests(runners: Runner, owner: UUID) -> None:
    """What the tests of an application write."""
    async with runners.start("calve.toml", settings={"service.wallet.overdraft_cents": 5}) as app:
        assert_type(app, App)
        wallet = app.get(Wallet)
        assert_type(wallet, Wallet)
        await wallet.debit(owner, "5")  # type: ignore[arg-type]
        answer = await app.rest.request("GET", "/wallets/1")
        assert_type(answer.status, int)
        answer.state  # type: ignore[attr-defined]  # noqa: B018
    service = WalletService(WalletSettings(api_key=Secret("k")), VirtualClock(), Logger("wallet"))
    assert_type(stub_of(Wallet, service), Wallet)
    WalletSettings()  # type: ignore[call-arg]
