"""Injection by type: what is provided, and what is missed before anything starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Protocol

import pytest

from calve import Clock, Contract, Logger, Settings, Store, query
from calve.contract import describe
from calve.core.errors import ConfigError
from calve.service import Injector, LoadedService, dependency_graph
from calve.service.injection import constructor_parameters


class Wallet(Contract, Protocol, version="1.0"):
    @query()
    async def balance(self) -> int: ...


class Orders(Contract, Protocol, version="1.0"):
    @query()
    async def count(self) -> int: ...


class OrderSettings(Settings):
    limit: int = 5


class WalletService(Wallet):
    def __init__(self, store: Store) -> None:
        self.store = store


class OrderService(Orders):
    def __init__(
        self,
        store: Store,
        wallet: Wallet,
        settings: OrderSettings,
        clock: Clock,
        log: Logger,
        page: int = 20,
        *more: int,
        **others: int,
    ) -> None:
        self.got = (store, wallet, settings, clock, log, page, more, others)


def provide(kind: str) -> Any:
    """A provider that notes what it was asked for."""
    return lambda service, wanted: (kind, service, wanted)


INJECTOR = Injector(
    stores=provide("store"),
    settings=provide("settings"),
    stubs=provide("stub"),
    clock=provide("clock"),
    logger=provide("logger"),
)


def loaded(name: str, contract: type[Any], implementation: type[Any] | None = None) -> LoadedService:
    """A service as `load_service` finds it."""
    return LoadedService(name, f"shop.{name}", describe(contract), implementation, Path())


def made(cls_name: str, **annotations: Any) -> type[Any]:
    """An implementation of Orders whose constructor has these parameters."""

    parameters = ", ".join(["self", *annotations])
    names: dict[str, Any] = {}
    exec(f"def __init__({parameters}): ...", names)
    names["__init__"].__annotations__ = annotations
    return type(cls_name, (Orders,), {"__init__": names["__init__"], "__module__": __name__})


# --- building


def test_every_kind_comes_from_its_provider() -> None:
    service = INJECTOR.build("orders", OrderService)
    assert service.got == (
        ("store", "orders", Store),
        ("stub", "orders", Wallet),
        ("settings", "orders", OrderSettings),
        ("clock", "orders", Clock),
        ("logger", "orders", Logger),
        20,
        (),
        {},
    )


def test_a_class_without_a_constructor_needs_nothing() -> None:
    class Plain:
        pass

    class Implementation(Wallet):
        pass

    assert isinstance(INJECTOR.build("x", Plain), Plain)
    assert isinstance(INJECTOR.build("x", Implementation), Implementation)
    assert constructor_parameters(dict) == {}


def test_a_dataclass_can_be_an_implementation() -> None:
    @dataclasses.dataclass
    class Implementation(Wallet):
        store: Store
        page: int = 5

    assert INJECTOR.build("wallet", Implementation).store == ("store", "wallet", Store)


def test_a_constructor_may_be_inherited() -> None:
    class Better(WalletService):
        pass

    assert INJECTOR.build("wallet", Better).store == ("store", "wallet", Store)


@pytest.mark.parametrize("wanted", [int, Settings, WalletService, list[int], "Store | None", Contract])
def test_what_has_no_provider_is_named_with_what_has_one(wanted: Any) -> None:
    service = made("Broken", thing=Store | None if wanted == "Store | None" else wanted)
    with pytest.raises(ConfigError) as caught:
        INJECTOR.build("orders", service)
    assert "parameter 'thing' of type " in str(caught.value)
    assert "cannot be injected; " in str(caught.value)
    assert "give the parameter a default" in str(caught.value)
    assert caught.value.where == f"{__name__}.Broken.__init__"


def test_a_near_miss_is_offered() -> None:
    class Stor:
        pass

    with pytest.raises(ConfigError, match=r"did you mean 'Store'\?"):
        INJECTOR.build("orders", made("Broken", store=Stor))


def test_a_parameter_without_annotation_is_named() -> None:
    class Broken:
        def __init__(self, store) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(ConfigError, match="parameter 'store' has no annotation to inject by"):
        constructor_parameters(Broken)


def test_an_annotation_that_cannot_be_resolved_is_told() -> None:
    class Broken:
        def __init__(self, store: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ConfigError, match="'Missing' is not defined; import the type outside TYPE_CHECKING"):
        constructor_parameters(Broken)


# --- the whole application


def test_the_graph_says_who_calls_whom() -> None:
    services = [loaded("orders", Orders, OrderService), loaded("wallet", Wallet, WalletService)]
    assert dependency_graph(services) == {"orders": {"wallet"}, "wallet": set()}


def test_a_service_hosted_elsewhere_has_no_edges() -> None:
    assert dependency_graph([loaded("orders", Orders), loaded("wallet", Wallet)]) == {"orders": set(), "wallet": set()}


def test_a_missing_service_is_named_with_the_path_and_near_misses() -> None:
    with pytest.raises(ConfigError) as caught:
        dependency_graph([loaded("orders", Orders, OrderService)])
    assert str(caught.value) == (
        "shop.orders: OrderService.__init__: orders -> wallet: Wallet: no service of this application implements it; "
        "known: Orders; add the service to [app] services in calve.toml"
    )


def another_wallet() -> type[Any]:
    """A contract that is also called Wallet."""

    class Wallet(Contract, Protocol, version="1.0"):
        @query()
        async def balance(self) -> int: ...

    return Wallet


def test_a_contract_of_the_same_name_is_another_contract() -> None:
    with pytest.raises(ConfigError, match=r"Wallet: no service .* did you mean 'Wallet'"):
        dependency_graph([loaded("orders", Orders, OrderService), loaded("wallet", another_wallet())])


def test_two_services_with_one_contract_are_ambiguous() -> None:
    with pytest.raises(ConfigError, match=r"contract Wallet is ambiguous: shop\.wallet and shop\.purse both have it"):
        dependency_graph([loaded("wallet", Wallet), loaded("purse", Wallet)])


def test_an_implementation_is_never_a_dependency() -> None:
    services = [loaded("orders", Orders, made("Broken", wallet=WalletService)), loaded("wallet", Wallet, WalletService)]
    with pytest.raises(ConfigError, match=r"asks for WalletService, an implementation; ask for its contract Wallet"):
        dependency_graph(services)


def test_what_cannot_be_injected_is_found_before_start() -> None:
    with pytest.raises(ConfigError, match="parameter 'count' of type int cannot be injected"):
        dependency_graph([loaded("orders", Orders, made("Broken", count=int))])


def test_a_cycle_is_drawn() -> None:
    class Wallets(Wallet):
        def __init__(self, orders: Orders) -> None: ...

    services = [loaded("orders", Orders, OrderService), loaded("wallet", Wallet, Wallets)]
    with pytest.raises(ConfigError, match="services depend on each other in a circle: orders -> wallet -> orders"):
        dependency_graph(services)


def test_a_service_that_calls_itself_is_a_cycle() -> None:
    class Wallets(Wallet):
        def __init__(self, wallet: Wallet) -> None: ...

    with pytest.raises(ConfigError, match="in a circle: wallet -> wallet"):
        dependency_graph([loaded("wallet", Wallet, Wallets)])


def test_two_ways_to_one_service_are_no_cycle() -> None:
    class Front(Contract, Protocol, version="1.0"):
        @query()
        async def page(self) -> int: ...

    class FrontService(Front):
        def __init__(self, orders: Orders, wallet: Wallet) -> None: ...

    services = [
        loaded("front", Front, FrontService),
        loaded("orders", Orders, OrderService),
        loaded("wallet", Wallet, WalletService),
    ]
    assert dependency_graph(services)["front"] == {"orders", "wallet"}
