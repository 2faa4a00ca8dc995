"""What one service may import of another, and modules that are nobody's: every way to cross, with its line."""

from __future__ import annotations

import pytest

from .conftest import MakeProject, Project, package

PRIVATE = "town.bank.service"


def crossing(project: MakeProject, text: str, **files: str) -> list[str]:
    """What is found when the service desk has a module of this text."""
    made = project(package("Bank"), package("Desk"), **{"town/desk/helper.py": text}, **files)
    return made.found()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from town.bank.service import BankService", 1),
        ("from ..bank.service import BankService", 1),
        ("from ..bank import service", 1),
        ("import town.bank.service", 1),
        ("import town.bank.service as s", 1),
        ("x = 1\n\ndef f():\n    from town.bank.service import BankService\n", 4),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..bank.service import BankService\n", 3),
        ("import importlib\nm = importlib.import_module('town.bank.service')\n", 2),
        ("from importlib import import_module\n\nm = import_module('..bank.service', __package__)\n", 3),
        ("m = __import__('town.bank.service')\n", 1),
        ("import importlib\nm = importlib.import_module('town.bank' + '.service')\n", 2),
        ("import pkgutil\nm = pkgutil.resolve_name('town.bank.service:BankService')\n", 2),
        ("import pkgutil\nm = pkgutil.resolve_name('town.bank.service')\n", 2),
        ("from other import import_string\nm = import_string('town.bank.service.BankService')\n", 2),
        ("import runpy\nrunpy.run_module('town.bank.service')\n", 2),
        ("from town.bank.service import *\n", 1),
        ("try:\n    import json\nexcept ImportError:\n    from ..bank import service as x\n", 4),
        ("import town.bank.contract\nx = town.bank.service\n", 2),
        ("import town.bank.contract\nx = town.bank.service.BankService\n", 2),
        ("import sys\nm = sys.modules['town.bank.service']\n", 2),
    ],
)
def test_every_way_to_import_something_private_is_seen(project: MakeProject, text: str, line: int) -> None:
    (found,) = crossing(project, text)
    assert found.startswith(f"import town.desk.helper -> {PRIVATE}")
    assert found.endswith(f" at town/desk/helper.py:{line}")


@pytest.mark.parametrize(
    "text",
    [
        "from town.bank.contract import Bank",
        "from ..bank.contract import Bank",
        "from ..bank import contract",
        "import town.bank.contract as c\nx = c.Bank\n",
        "import town.bank.contract\nx = town.bank.contract.Bank\n",
        "from town.bank.contract import *",
        "from . import service",
        "from .service import DeskService",
        "import importlib\nm = importlib.import_module('town.bank.contract')\n",
        "import importlib\nm = importlib.import_module(f'town.{1}.service')\n",
        "import pkgutil\nm = pkgutil.resolve_name('town.bank.contract:Bank')\n",
        "from other import import_string\nm = import_string('')\nn = import_string('town')\n",
        "import json, os.path\nfrom collections import abc\nfrom ...... import nowhere\n",
        "town = None\nx = 'town.bank.service'\n",
    ],
)
def test_contracts_and_what_is_ones_own_may_be_imported(project: MakeProject, text: str) -> None:
    assert crossing(project, text) == []


def test_the_message_names_both_and_the_contract(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"), **{"town/desk/x.py": "from ..bank.service import BankService"})
    (violation,) = made.check().violations
    assert violation.message == "desk imports town.bank.service.BankService, which is private to bank"
    assert violation.fix == "import its contract, town.bank.contract.Bank, and ask for it in the constructor"


def test_a_package_itself_is_private_but_what_it_passes_on_of_its_contract_is_not(project: MakeProject) -> None:
    passed_on = {"town/bank/__init__.py": "from .contract import Bank\nfrom .tools import *\nVALUE = 1\n"}
    tools = {"town/bank/tools.py": "def tool(): ...\n"}
    assert crossing(project, "from town.bank import Bank\n", **passed_on, **tools) == []
    for name, seen in (("tool", "tools.tool"), ("VALUE", "VALUE")):
        (found,) = crossing(project, f"from town.bank import {name}\n", **passed_on, **tools)
        assert found == f"import town.desk.helper -> town.bank.{seen} at town/desk/helper.py:1"
    assert len(crossing(project, "from town.bank import *\n", **passed_on, **tools)) == 1
    assert len(crossing(project, "import town.bank\n", **passed_on, **tools)) == 1
    assert len(crossing(project, "from town import bank\n", **passed_on, **tools)) == 1


def test_a_contract_of_several_modules_is_public_as_a_whole(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"), **{"town/desk/x.py": "from ..bank.contract.money import Money"})
    text = (made.root / "town/bank/contract.py").read_text()
    (made.root / "town/bank/contract.py").unlink()
    made.write("town/bank/contract/__init__.py", text)
    made.write("town/bank/contract/money.py", "class Money: ...")
    assert made.found() == []


def test_a_private_module_that_a_contract_passes_on_is_imported_from_the_contract(project: MakeProject) -> None:
    files = {
        "town/bank/money.py": "class Money: ...\n",
        "town/desk/good.py": "from ..bank.contract import Money\n",
        "town/desk/bad.py": "from ..bank.money import Money\n",
    }
    made = project(package("Bank"), package("Desk"), **files)
    contract = (made.root / "town/bank/contract.py").read_text()
    made.write("town/bank/contract.py", f"from .money import Money\n{contract}")
    assert made.found() == [
        "import town.desk.bad -> town.bank.money.Money at town/desk/bad.py:1",
    ]


def test_the_same_crossing_is_told_once(project: MakeProject) -> None:
    text = "from ..bank.service import BankService\nfrom ..bank.service import BankService as Again\n"
    assert len(crossing(project, text)) == 1


@pytest.mark.parametrize("where", ["__init__.py", "contract.py", "inner.py"])
def test_a_contract_that_loads_its_implementation_is_found_however_it_does(project: MakeProject, where: str) -> None:
    made = project(package("Bank"), package("Desk"))
    path = made.root / "town/bank" / where
    text = path.read_text() if path.exists() else ""
    made.write(f"town/bank/{where}", f"{text}#\nfrom .service import BankService\n")
    if where == "inner.py":
        contract = (made.root / "town/bank/contract.py").read_text()
        made.write("town/bank/contract.py", f"{contract}\nfrom . import inner\n")
    line = len(text.splitlines()) + 2
    module = "town.bank" if where == "__init__.py" else f"town.bank.{where[:-3]}"
    assert made.found() == [f"contract {module} -> town.bank.service at town/bank/{where}:{line}"]


@pytest.mark.parametrize(
    "text",
    [
        "def later():\n    from .service import BankService\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .service import BankService\n",
    ],
)
def test_a_contract_may_name_its_implementation_where_that_does_not_load_it(project: MakeProject, text: str) -> None:
    made = project(package("Bank"))
    made.write("town/bank/contract.py", (made.root / "town/bank/contract.py").read_text() + text)
    assert made.found() == []


SHARED = '[check]\nshared = ["town.tools"]\n'


def test_a_module_of_no_service_is_found_unless_it_is_shared_or_empty(project: MakeProject) -> None:
    files = {"town/tools/__init__.py": '"""Only words."""\n', "town/tools/dates.py": "x = 1\n", "lonely.py": "y = 1\n"}
    use = {"town/bank/x.py": "import lonely\n"}
    made = project(package("Bank"), **files, **use)
    assert made.found() == ["unowned lonely at lonely.py:1", "unowned town.tools.dates at town/tools/dates.py:1"]
    made = project(package("Bank"), toml=SHARED, **files)
    assert made.found() == ["unowned lonely at lonely.py:1"]
    (made.root / "town/bank/x.py").unlink()
    assert made.found() == [], "a file that nobody imports is not the application's"


def test_shared_code_may_use_contracts_and_nothing_else_of_a_service(project: MakeProject) -> None:
    good = {"town/tools.py": "from .bank.contract import Bank\n", "town/bank/x.py": "from ..tools import Bank\n"}
    assert project(package("Bank"), toml=SHARED, **good).found() == []
    made = project(package("Bank"), toml=SHARED, **{"town/tools.py": "x = 1\nfrom .bank.service import BankService\n"})
    (violation,) = made.check().violations
    assert made.found() == ["import town.tools -> town.bank.service.BankService at town/tools.py:2"]
    assert violation.fix.startswith("shared code may import contracts only")


ONE_FILE = """
    from typing import Annotated, Protocol
    from calve import Contract, DomainError, Message, Meta, command

    Cents = Annotated[int, Meta(ge=0)]

    class Coin(Message):
        cents: Cents

    class Empty(DomainError):
        pass

    class Hidden(Message):
        pass

    class Purse(Contract, Protocol, version="1.0"):
        @command(raises=[Empty])
        async def coin(self) -> "Coin": ...

    class PurseService(Purse):
        async def coin(self) -> Coin:
            return Coin(cents=1)
"""


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("from ..purse import Cents, Coin, Empty, Purse", []),
        ("from .. import purse\nx = purse.Coin\n", []),
        ("from ..purse import PurseService", ["PurseService"]),
        ("from ..purse import Coin, Hidden", ["Hidden"]),
        ("from .. import purse\nx = purse.PurseService\n", ["PurseService"]),
        ("from ..purse import *", ["*"]),
    ],
)
def test_of_a_service_in_one_file_the_contract_and_its_types_are_public(
    project: MakeProject, text: str, private: list[str]
) -> None:
    made = project(package("Desk"), **{"town/purse.py": ONE_FILE, "town/desk/x.py": text})
    made.write("calve.toml", '[app]\nname = "town"\nservices = ["town.desk", "town.purse"]\n')
    expected = [f"town.purse.{name}" if name != "*" else "town.purse" for name in private]
    assert [v.what for v in made.check().violations] == [f"town.desk.x -> {name}" for name in expected]


def test_imports_in_a_circle_end(project: MakeProject) -> None:
    files = {
        "town/desk/a.py": "from .b import thing\n",
        "town/desk/b.py": "from .a import thing\nfrom .c import *\n",
        "town/desk/c.py": "from .b import *\n",
    }
    assert project(package("Desk"), **files).found() == []


def test_a_project_is_never_imported(project: MakeProject) -> None:
    made: Project = project(package("Bank"))
    made.write("town/bank/service.py", "raise SystemExit\n")
    assert made.found() == []


@pytest.mark.parametrize("text", ["import_module(name)", "import_module(f'town.{name}')", "resolve_name(name)"])
def test_an_import_that_nobody_can_follow_is_told(project: MakeProject, text: str) -> None:
    made = project(package("Bank"), **{"town/bank/plugins.py": f"def load(name):\n    return {text}\n"})
    report = made.check()
    assert report.violations == []
    ((place, message),) = [(note.place.shown(made.root), note.message) for note in report.notes]
    assert (place, message) == (
        "town/bank/plugins.py:2",
        "imports a module that is named at run time only; taken for allowed",
    )
