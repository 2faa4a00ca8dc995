"""The opening assortment: the article numbers that catalog and inventory start from.

Both services begin with the same articles without asking each other, the way two departments load the same supplier's
file. Deterministic, so that tests, demonstrations and benchmarks meet the same shop every time.
"""

from __future__ import annotations

from typing import NamedTuple

from .catalog.contract import Sku

DEPARTMENTS = ("KIT", "GAR", "OFF", "TOY", "SPO", "BTH")
"""Prefix of an article number: kitchen, garden, office, toys, sports, bathroom."""


class Article(NamedTuple):
    """One article of the opening assortment."""

    number: int
    """0, 1, 2, … in order of listing; everything else about the article is derived from it."""
    department: str
    sku: Sku


def articles(count: int) -> list[Article]:
    """The first `count` articles, spread evenly over the departments: KIT-00000, GAR-00001, OFF-00002, …"""
    return [
        Article(number, department, f"{department}-{number:05}")
        for number in range(count)
        for department in (DEPARTMENTS[number % len(DEPARTMENTS)],)
    ]
