"""The call graph from the source: where each call stands, however the stub got there."""

from __future__ import annotations

import pytest

from .conftest import MakeProject, package

WORK = "async def work(self):\n    "
HEAD = "import asyncio\nimport functools\nfrom typing import cast\nfrom dataclasses import dataclass\n"


def desk_calls(project: MakeProject, body: str, head: str = "", **files: str) -> list[str]:
    """What the service desk calls of the bank, whose contract it asks for as `bank`; without the paths."""
    made = project(package("Bank"), package("Desk", {"bank": "Bank"}, body, head=HEAD + head), **files)
    return [call.replace("town/desk/", "") for call in made.calls()]


def line_of(body: str, head: str, mark: str = "HERE") -> int:
    """The line in service.py at which a body has the mark."""
    before = f"from .contract import Desk\nfrom ..bank.contract import Bank\n{HEAD}{head}\n"
    init = "class DeskService(Desk):\n    def __init__(self, bank: Bank) -> None:\n        self._bank = bank\n\n"
    lines = (before + init + body.strip("\n")).splitlines()
    return next(number for number, line in enumerate(lines, 1) if mark in line)


@pytest.mark.parametrize(
    "body",
    [
        WORK + "await self._bank.work()  # HERE\n",
        WORK + "bank = self._bank\n    await bank.work()  # HERE\n",
        WORK + "call = self._bank.work  # HERE\n    await call()\n",
        WORK + "await asyncio.gather(*(self._bank.work() for _ in 'ab'))  # HERE\n",
        WORK + "await functools.partial(self._bank.work)()  # HERE\n",
        WORK + "return await self._help()\nasync def _help(self):\n    await self._bank.work()  # HERE\n",
        WORK + "await getattr(self._bank, 'work')()  # HERE\n",
        WORK + "try:\n        pass\n    finally:\n        await self._bank.work()  # HERE\n",
        WORK + "async def inner():\n        await self._bank.work()  # HERE\n    await inner()\n",
        WORK + "x = lambda: self._bank.work()  # HERE\n    await x()\n",
        WORK + "if (b := self._bank) is not None:\n        await b.work()  # HERE\n",
        WORK + "b = self._bank if 1 else None\n    await b.work()  # HERE\n",
        WORK + "await self._get().work()  # HERE\ndef _get(self):\n    return self._bank\n",
        WORK + "await self.mine.work()  # HERE\n@property\ndef mine(self):\n    return self._bank\n",
        WORK + "async with asyncio.timeout(1):\n        await self._bank.work()  # HERE\n",
        WORK + "match 1:\n        case 1:\n            await self._bank.work()  # HERE\n",
        WORK + "print(f'{await self._bank.work()}')  # HERE\n",
        WORK + "await self._take(bank=self._bank)\nasync def _take(self, bank):\n    await bank.work()  # HERE\n",
        WORK + "await self._take(self._bank)\nasync def _take(self, b: 'Bank | None'):\n    await b.work()  # HERE\n",
        WORK + "await cast(Bank, object()).work()  # HERE\n",
        WORK + "assert self._bank\n    while not self._bank:\n        pass\n    await self._bank.work()  # HERE\n",
    ],
)
def test_a_call_is_found_where_it_stands(project: MakeProject, body: str) -> None:
    assert desk_calls(project, body) == [f"desk.work -> bank.work service.py:{line_of(body, '')}"]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (
            "class Till:\n    def __init__(self, bank):\n        self.bank = bank\n"
            "    async def pay(self):\n        await self.bank.work()  # HERE\n",
            WORK + "await Till(self._bank).pay()\n",
        ),
        (
            "@dataclass\nclass Till:\n    bank: Bank\n"
            "    async def pay(self):\n        await self.bank.work()  # HERE\n",
            WORK + "await Till(self._bank).pay()\n",
        ),
        (
            "class Base:\n    def __init__(self, bank):\n        self.bank = bank\n"
            "class Till(Base):\n    def __init__(self, bank):\n        super().__init__(bank)\n"
            "    async def pay(self):\n        await self.bank.work()  # HERE\n",
            WORK + "await Till(bank=self._bank).pay()\n",
        ),
        (
            "async def pay(bank: Bank):\n    await bank.work()  # HERE\n",
            WORK + "await pay(self._bank)\n",
        ),
        (
            "async def pay(bank):\n    await bank.work()  # HERE\n",
            WORK + "asyncio.create_task(pay(self._bank))\n",
        ),
        (
            "class Till:\n    @staticmethod\n    async def pay(bank):\n        await bank.work()  # HERE\n",
            WORK + "await Till.pay(self._bank)\n",
        ),
    ],
)
def test_helpers_of_the_service_are_followed(project: MakeProject, head: str, body: str) -> None:
    made = desk_calls(project, body, head)
    line = next(n for n, text in enumerate((HEAD + head).splitlines(), 3) if "HERE" in text)
    assert made == [f"desk.work -> bank.work service.py:{line}"]


def test_helpers_in_other_modules_and_in_shared_code_are_followed(project: MakeProject) -> None:
    helper = "async def pay(bank):\n    await bank.work()\n"
    files = {
        "town/desk/helper.py": "from ..tools import pay\nasync def go(b):\n    await pay(b)\n",
        "town/tools.py": helper,
    }
    body = WORK + "await go(self._bank)\n"
    made = project(
        package("Bank"),
        package("Desk", {"bank": "Bank"}, body, head="from .helper import go\n"),
        toml='[check]\nshared = ["town.tools"]\n',
        **files,
    )
    assert made.calls() == ["desk.work -> bank.work town/tools.py:2"]
    assert made.graph.notes == []


def test_an_inherited_implementation_is_followed(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"))
    made.write(
        "town/desk/service.py",
        """
        from .contract import Desk
        from ..bank.contract import Bank

        class Base(Desk):
            def __init__(self, bank: Bank) -> None:
                self._bank = bank

            async def work(self) -> None:
                await self.hook()

        class DeskService(Base):
            async def hook(self) -> None:
                await self._bank.work()
        """,
    )
    assert made.calls() == ["desk.work -> bank.work town/desk/service.py:13"]


@pytest.mark.parametrize(
    "body",
    [
        WORK + "await self.run([self._bank])  # HERE\n",
        WORK + "{'bank': self._bank}  # HERE\n",
        WORK + "await getattr(self._bank, self.name)()  # HERE\n",
        WORK + "asyncio.unknown(self._bank)  # HERE\n",
        WORK + "self.items[0] = self._bank  # HERE\n",
        WORK + "await self._bank.no_such_operation()  # HERE\n",
    ],
)
def test_a_stub_that_gets_out_of_sight_counts_as_any_call_and_a_note_says_so(project: MakeProject, body: str) -> None:
    assert desk_calls(project, body) == [f"desk.work -> bank.* service.py:{line_of(body, '')}"]
    made = project(package("Bank"), package("Desk", {"bank": "Bank"}, body, head=HEAD))
    (note,) = made.graph.notes
    assert note.message.startswith(
        "the source does not tell what of bank is called here; desk counts as calling all of its operations"
    )
    assert note.place.line == line_of(body, "")


def test_what_is_asked_for_and_never_seen_again_counts_for_every_operation(project: MakeProject) -> None:
    body = "async def work(self): ...\nasync def start(self): ...\n"
    assert desk_calls(project, body) == ["desk.start -> bank.* service.py:9", "desk.work -> bank.* service.py:9"]


def test_what_the_constructor_does_with_it_counts_for_every_operation(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"))
    made.write(
        "town/desk/service.py",
        """
        from .contract import Desk
        from ..bank.contract import Bank
        from somewhere import Wrapper

        class DeskService(Desk):
            def __init__(self, bank: Bank) -> None:
                self._bank = Wrapper(bank)

            async def work(self) -> None:
                await self._bank.work()
        """,
    )
    assert made.calls() == ["desk.work -> bank.* town/desk/service.py:7"]


def test_hooks_call_and_operations_that_call_nothing_do_not(project: MakeProject) -> None:
    body = "async def work(self): ...\nasync def start(self):\n    await self._bank.work()\n"
    (call,) = desk_calls(project, body)
    assert call.startswith("desk.start -> bank.work ")


def test_calling_oneself_is_no_call_between_services(project: MakeProject) -> None:
    head = "async def again(desk: Desk):\n    await desk.work()\n"
    made = project(package("Desk", None, WORK + "await again(self)\n", head=head))
    assert made.calls() == []


def test_recursion_ends(project: MakeProject) -> None:
    body = WORK + "await self._bank.work()\n    await self.work()\n    self._bank = self._bank\n"
    assert len(desk_calls(project, body)) == 1
