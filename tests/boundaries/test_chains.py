"""Chains that are too long and circles: found, counted and drawn."""

from __future__ import annotations

from itertools import pairwise

from .conftest import MakeProject, Project, package


def calling(name: str) -> str:
    """The body of a service that passes the work on."""
    return f"async def work(self):\n    await self._{name}.work()\n"


def line(project: MakeProject, *names: str, toml: str = "") -> Project:
    """Services of which each calls the next."""
    parts = [package(n, {m.lower(): m}, calling(m.lower())) for n, m in pairwise(names)]
    return project(*parts, package(names[-1]), toml=toml)


def test_as_many_calls_as_are_allowed_are_fine(project: MakeProject) -> None:
    assert line(project, "A", "B", "C", "D").found() == []


def test_one_more_is_drawn_from_its_beginning(project: MakeProject) -> None:
    made = line(project, "A", "B", "C", "D", "E")
    (violation,) = made.check().violations
    assert made.found() == ["chain a.work -> b.work -> c.work -> d.work -> e.work at town/a/service.py:9"]
    assert violation.message == "a.work starts a chain of 4 calls that wait for each other; at most 3 may"
    assert violation.drawing == (
        "a.work",
        "  -> b.work        town/a/service.py:9",
        "    -> c.work      town/b/service.py:9",
        "      -> d.work    town/c/service.py:9",
        "        -> e.work  town/d/service.py:9",
    )


def test_the_limit_can_be_set(project: MakeProject) -> None:
    assert line(project, "A", "B", "C", "D", "E", toml="[check]\ncall_chain_max = 4\n").found() == []


def test_the_limit_can_be_one(project: MakeProject) -> None:
    made = line(project, "A", "B", "C", toml="[check]\ncall_chain_max = 1\n")
    assert [v.what for v in made.check().violations] == ["a.work -> b.work -> c.work"]


def test_an_uncertain_call_counts_as_the_longest(project: MakeProject) -> None:
    unclear = "async def work(self):\n    await unknown(self._b)\n"
    made = project(
        package("A", {"b": "B"}, unclear),
        package("B", {"c": "C"}, calling("c")),
        package("C"),
        toml="[check]\ncall_chain_max = 1\n",
    )
    assert [v.what for v in made.check().violations] == ["a.work -> b.* -> c.work"]


def test_only_operations_that_call_make_a_chain(project: MakeProject) -> None:
    made = line(project, "A", "B", "C", toml="[check]\ncall_chain_max = 1\n")
    made.write(
        "town/b/contract.py",
        (made.root / "town/b/contract.py").read_text() + "\n    @command()\n    async def other(self) -> None: ...\n",
    )
    service = (made.root / "town/b/service.py").read_text()
    made.write("town/b/service.py", service + "\n    async def other(self): ...\n")
    a = (made.root / "town/a/service.py").read_text()
    made.write("town/a/service.py", a.replace("_b.work()", "_b.other()"))
    assert made.found() == []


def test_a_circle_is_drawn_once_with_its_places(project: MakeProject) -> None:
    made = line(project, "B", "C", "A")
    made.write("town/a/service.py", "from .contract import A\nfrom ..b.contract import B\n\n\nclass S(A):\n"
               "    def __init__(self, b: B):\n        self._b = b\n\n    async def work(self):\n"
               "        await self._b.work()\n")  # fmt: skip
    (violation,) = made.check().violations
    assert made.found() == ["circle b -> c -> a -> b at town/b/service.py:9"]
    assert violation.drawing == (
        "b.work -> c.work  town/b/service.py:9",
        "c.work -> a.work  town/c/service.py:9",
        "a.work -> b.work  town/a/service.py:10",
    )


def test_a_circle_of_declarations_is_one_even_without_calls(project: MakeProject) -> None:
    made = project(package("A", {"b": "B"}), package("B", {"a": "A"}))
    (violation,) = made.check().violations
    assert violation.what == "a -> b -> a"
    assert violation.drawing[0] == "a.work -> b.*  town/a/service.py:5"


def test_the_shortest_circle_of_a_knot_is_told(project: MakeProject) -> None:
    made = project(
        package("A", {"b": "B"}, calling("b")),
        package("B", {"c": "C"}, calling("c")),
        package(
            "C", {"a": "A", "b": "B"}, "async def work(self):\n    await self._a.work()\n    await self._b.work()\n"
        ),
        package("D", {"a": "A"}, calling("a")),
    )
    assert [v.what for v in made.check().violations] == ["b -> c -> b"]
