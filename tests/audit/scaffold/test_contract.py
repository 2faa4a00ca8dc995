"""The contract as code: it loads, and says what is open."""

from __future__ import annotations

import ast
import sys
from types import ModuleType

import pytest
from audit_projects import DJANGO, FASTAPI, FLASK, Files

from calve.audit.base import Place
from calve.audit.scaffold.contract import contract_text
from calve.audit.scaffold.operations import Draft
from calve.audit.scaffold.signatures import Parameter
from calve.contract import describe

from .conftest import Surfaced


@pytest.mark.parametrize(
    ("files", "name", "operations", "events"),
    [
        (DJANGO, "orders", ["delete_order", "get_order", "get_order_list", "confirm"], ["OrderSaved"]),
        (DJANGO, "stock", ["get_item", "get_item_list", "take"], []),
        (FLASK, "blog", ["get_post", "get_post_list"], []),
        (FASTAPI, "accounts", ["get_account", "get_account_list", "save_account"], []),
    ],
)
def test_it_loads_and_promises_what_others_use(
    surfaced: Surfaced,
    files: Files,
    name: str,
    operations: list[str],
    events: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = surfaced(files, name)
    module = ModuleType("drawn")
    monkeypatch.setitem(sys.modules, "drawn", module)
    exec(compile(contract_text(drawn), "contract.py", "exec"), vars(module))
    info = describe(getattr(module, drawn.contract))
    assert list(info.operations) == operations
    assert [event.__name__ for event in info.publishes] == events


def test_the_text_of_stock(surfaced: Surfaced) -> None:
    text = contract_text(surfaced(DJANGO, "stock"))
    assert "from datetime import datetime\nfrom typing import Protocol\n\nfrom calve import Contract, Message," in text
    assert 'Unknown = str\n"""The source does not say."""\n\n\nclass Item(Message):\n' in text
    assert (
        "    # shop.stock.services.take: shop/orders/views.py:11\n    @command()\n"
        "    async def take(self, item_id: int, count: Unknown) -> None:\n"
    ) in text


def test_nothing_of_the_source_becomes_code(surfaced: Surfaced) -> None:
    drawn = surfaced(DJANGO, "stock")
    evil = '"""\nimport os\n"""\\'
    draft = Draft("class", "query", [Parameter("import", "int", "")], "None", evil, [evil], evil, [Place(evil, 1)])
    drawn.operations, drawn.name = [draft], evil
    tree = ast.parse(contract_text(drawn))
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
    assert "async def class_(self, import_: int) -> None:" in contract_text(drawn)
