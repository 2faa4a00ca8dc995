"""Which policy holds: defaults, contracts and calve.toml; and what calve.toml may not say."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from calve import ConfigError, Contract, Policy, command, query
from calve.bootstrap.policies import Policies
from calve.contract import describe
from calve.core.policy import EffectivePolicy
from calve.runtime import load_config

TOML = '[app]\nname = "shop"\nservices = ["shop.wallet", "shop.orders"]\n'
LAST_KNOWN = 7


def last_known(owner: str) -> int:
    """A fallback."""
    return LAST_KNOWN


def of_something_else(other: str) -> int:
    """No fallback of an operation with an argument `owner`."""
    return 0


async def asynchronous(owner: str) -> int:
    """No fallback, because it may hang."""
    return 0


class Wallet(Contract, Protocol, version="1.0", policy=Policy(attempts_max=4)):
    @query(timeout_seconds=3, policy=Policy(calls_max=50, fallback=1))
    async def balance(self, owner: str) -> int: ...

    @command()
    async def debit(self, owner: str, cents: int) -> None: ...


class Orders(Contract, Protocol, version="1.0"):
    @query()
    async def count(self) -> int: ...


CONTRACTS = {"wallet": describe(Wallet), "orders": describe(Orders)}
BALANCE, DEBIT = CONTRACTS["wallet"].operations.values()


def policies(tmp_path: Path, more: str = "", **environ: str) -> Policies:
    """Those of a project."""
    path = tmp_path / "calve.toml"
    path.write_text(TOML + more, encoding="utf-8")
    return Policies(load_config(path, environ=environ), CONTRACTS)


def test_without_a_word_in_calve_toml_contract_and_defaults_hold(tmp_path: Path) -> None:
    found = policies(tmp_path).of("wallet", BALANCE, "orders")
    assert found == EffectivePolicy(timeout_seconds=3, attempts_max=4, calls_max=50, fallback=1)
    assert policies(tmp_path).explain("wallet", BALANCE, "")["attempts_max"] == (4, "contract")
    assert policies(tmp_path).explain("wallet", DEBIT, "")["timeout_seconds"] == (10, "default")


def test_the_more_special_table_wins(tmp_path: Path) -> None:
    found = policies(
        tmp_path,
        "[policy]\nattempts_max = 9\nqueue_max = 9\n[policy.wallet]\ncalls_max = 8\ntimeout_seconds = 8\n"
        "[policy.wallet.balance]\ntimeout_seconds = 7\n[policy.wallet.balance.orders]\ntimeout_seconds = 6\n",
        CALVE_POLICY_WALLET_BALANCE_QUEUE_MAX="5",
    )
    explained = found.explain("wallet", BALANCE, "orders")
    assert {name: explained[name].value for name in ("attempts_max", "queue_max", "calls_max", "timeout_seconds")} == {
        "attempts_max": 4,  # [policy] says what holds where no contract does
        "queue_max": 5,
        "calls_max": 8,
        "timeout_seconds": 6,
    }
    origins = [explained[name].origin.rpartition("/")[2] for name in ("attempts_max", "queue_max", "timeout_seconds")]
    assert origins == ["contract", "CALVE_POLICY_WALLET_BALANCE_QUEUE_MAX", "calve.toml:13"]
    assert found.of("wallet", BALANCE, "").timeout_seconds == 7
    assert found.of("orders", CONTRACTS["orders"].operations["count"], "").attempts_max == 9
    assert found.callers("wallet", "balance") == ["orders"]


def test_the_time_limit_holds_for_the_operation_itself_as_well(tmp_path: Path) -> None:
    found = policies(tmp_path, "[policy.wallet.balance]\ntimeout_seconds = 20\n")
    operations = found.applied("wallet").operations
    assert (operations["balance"].timeout_seconds, operations["debit"]) == (20, DEBIT)


def test_a_fallback_is_named_and_can_be_taken_away(tmp_path: Path) -> None:
    named = f'[policy.wallet.balance.orders]\nfallback = "{__name__}:last_known"\n'
    found = policies(tmp_path, named)
    assert found.of("wallet", BALANCE, "orders").fallback.__name__ == "last_known"
    assert found.of("wallet", BALANCE, "").fallback == 1
    assert policies(tmp_path, '[policy.wallet.balance]\nfallback = ""\n').of("wallet", BALANCE, "").fallback is (
        msgspec.UNSET
    )


BAD = {
    "[policy.walet]\nattempts_max = 1": "[policy.walet]: no service 'walet'; did you mean 'wallet'?",
    "[policy.wallet.balanse]\nattempts_max = 1": "no operation 'balanse'; did you mean 'balance'?",
    "[policy.wallet.balance.order]\nattempts_max = 1": "no service 'order'; did you mean 'orders'?",
    "[policy.wallet.balance.orders.more]\nattempts_max = 1": "[policy.wallet.balance.orders] has tables below it",
    "[policy.wallet]\nattempt_max = 1": "[policy.wallet] attempt_max is not a setting; did you mean 'attempts_max'",
    "[policy]\nwallet = 1": "wallet is not a setting",
    "[policy]\nattempts_max = 0": "[policy] attempts_max: expected `int` >= 1",
    "[policy.wallet]\ntimeout_seconds = 0": "[policy.wallet] timeout_seconds: expected `float` > 0",
    "[policy.wallet]\nbreaker_failures = 1.5": "breaker_failures: expected `float` <= 1",
    '[policy.wallet]\nqueue_max = "all"': "queue_max: expected `int | null`, got `str`",
    "[policy.wallet]\nretry_pause_seconds_max = 0.01": "wallet.balance: the longest pause, 0.01 s, is shorter than",
    "[policy.wallet.balance.orders]\ntimeout_seconds = 4": "orders waits 4.0 s for wallet.balance, which itself",
    '[policy]\nfallback = "x:y"': "[policy] has one fallback for all; move it to [policy.<service>.<operation>]",
    '[policy.wallet]\nfallback = "x:y"': "[policy.wallet] has one fallback for all",
    '[policy.wallet.debit]\nfallback = "{here}:last_known"': "wallet.debit: a command has no fallback",
    '[policy.wallet.balance]\nfallback = "{here}:TOML"': "the fallback is no answer of Wallet.balance: Expected `int`",
    '[policy.wallet.balance]\nfallback = "{here}:asynchronous"': "the fallback is an async function",
    '[policy.wallet.balance]\nfallback = "{here}:of_something_else"': "the fallback does not take the arguments",
    '[policy.wallet.balance]\nfallback = "last_known"': "'last_known' is not of the form 'module:attribute'",
    '[policy.wallet.balance]\nfallback = "{here}:lost_known"': "has no 'lost_known'; did you mean 'last_known'",
}


@pytest.mark.parametrize(("text", "error"), BAD.items())
def test_what_cannot_hold_is_refused_before_anything_starts(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=r"calve\.toml:\d") as caught:
        policies(tmp_path, text.replace("{here}", __name__).replace("x:y", f"{__name__}:last_known") + "\n")
    assert error in str(caught.value)
