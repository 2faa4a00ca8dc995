"""Near misses in error messages."""

from __future__ import annotations

from calve.core.suggest import did_you_mean


def test_the_nearest_name_is_offered_first() -> None:
    assert did_you_mean("walet", ["orders", "wallet"]) == "did you mean 'wallet'? (known: orders, wallet)"


def test_two_near_names_are_both_offered() -> None:
    assert did_you_mean("stor", ["store", "story"]).startswith("did you mean 'story' or 'store'? ")


def test_case_does_not_matter_but_is_shown() -> None:
    assert did_you_mean("STORE", ["Store"]) == "did you mean 'Store'? (known: Store)"


def test_without_a_near_name_all_are_listed() -> None:
    assert did_you_mean("xyz", ["b", "a"]) == "known: a, b"


def test_a_long_list_is_cut() -> None:
    assert did_you_mean("xyz", [f"name{n:02}" for n in range(20)]).endswith("name11 and 8 more")


def test_nothing_known() -> None:
    assert did_you_mean("xyz", []) == "known: none"
