"""Whole projects: what is written, how it is linted and run, and what is refused before anything is."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from uuid import uuid4

import pytest

from calve.core.errors import ConfigError
from calve.eject import Ejected, EjectRefused, write
from calve.runtime import AppConfig
from calve.testing import Answer, HttpClient
from calve.testing.runners.inprocess import InProcessRunner

from .conftest import SHOP, ejected, serving, shop_config
from .projects import MakeProject, contract

SERVICE = "from .contract import Bank\nclass BankService(Bank):\n    async def work(self) -> int:\n        return 1\n"
BANK = {"town/bank/__init__.py": "", "town/bank/contract.py": contract("Bank"), "town/bank/service.py": SERVICE}


def text(done: Ejected, path: str) -> str:
    """One file."""
    return done.files[path].decode()


def test_a_service_without_anything_needs_three_libraries(project: MakeProject) -> None:
    done = project(BANK).eject("bank")
    assert re.findall(r'^    "([a-z]+)', text(done, "pyproject.toml"), re.MULTILINE) == [
        "msgspec",
        "starlette",
        "uvicorn",
    ]
    assert "BankService()" in text(done, "app/main.py")
    assert not any("store/sqlite" in path or "calls.py" in path for path in done.files)
    assert done.carried == [
        "town/__init__.py",
        "town/bank/__init__.py",
        "town/bank/contract.py",
        "town/bank/service.py",
    ]


def test_handlers_pass_on_parameters_as_they_are_declared(project: MakeProject) -> None:
    body = """
    @command(http="PUT /boxes/{box}", timeout_seconds=2.5, status=201)
    async def put(self, box: int, size: Size, *, colour: str = "red") -> Size: ...
    @command(http="POST /sizes", idempotent=True)
    async def add(self, size: Size) -> None: ...
    @query(http="GET /boxes")
    async def boxes(self, near: float = 0.5, ids: tuple[int, ...] = ()) -> list[Size]: ...
    @query()
    async def inside(self, box: int) -> Size: ...
    """
    head = "class Size(Message):\n    version: int = 1\n"
    service = "from .contract import Bank\nclass BankService(Bank):\n"
    for name, parameters in (
        ("put", "box, size, *, colour='red'"),
        ("add", "size"),
        ("boxes", "near=0.5, ids=()"),
        ("inside", "box"),
    ):
        service += f"    async def {name}(self, {parameters}): ...\n"
    files = {"town/bank/contract.py": contract("Bank", body, head), "town/bank/service.py": service}
    routes = text(project(BANK, files).eject("bank"), "app/routes.py")
    assert "@operation(Size, status=201, timeout_seconds=2.5, keyed=True)" in routes
    assert "return await self._service.put(params.box, body.size, colour=body.colour)" in routes
    assert "body = await read_body(request, Size)" in routes
    assert "@operation(None, status=204)" in routes
    assert "    ids: tuple[int, ...] = ()" in routes
    assert 'resource("/internal/inside", post=self.inside)' in routes


def test_packages_of_the_same_name_make_way(project: MakeProject) -> None:
    files = {path.replace("town/", "app/"): content for path, content in BANK.items()}
    done = project(files, {"app/__init__.py": ""}).eject("bank")
    assert "app/bank/service.py" in done.files
    assert "app_/main.py" in done.files
    assert "python -m app_" in text(done, "README.md")


def test_a_service_in_a_single_file_with_its_schema(project: MakeProject) -> None:
    service = (
        "from calve import Store\n"
        + contract("Notes")
        + "\nclass NotesService(Notes):\n    def __init__(self, store: Store) -> None: ...\n"
        "    async def work(self) -> int:\n        return 1\n"
    )
    done = project({"notes.py": service}, {"schema/0001_notes.sql": "CREATE TABLE note (text TEXT);"}).eject("notes")
    assert {"notes.py", "schema/0001_notes.sql", "support/store/sqlite.py"} <= done.files.keys()
    assert 'load_schema(ROOT / "schema")' in text(done, "app/main.py")
    assert 'only-include = ["app", "support", "notes.py", "schema"]' in text(done, "pyproject.toml")


def test_settings_of_the_project_go_along_but_no_secrets(project: MakeProject) -> None:
    service = (
        "from calve import Secret, Settings\nfrom .contract import Bank\n"
        "class BankSettings(Settings):\n    limit: int = 3\n    pin: Secret\n"
        "class BankService(Bank):\n    def __init__(self, settings: BankSettings) -> None: ...\n"
        "    async def work(self) -> int:\n        return 1\n"
    )
    toml = '[service.bank]\nlimit = 7\npin = "1234"\n'
    done = project(BANK, {"town/bank/service.py": service}, toml=toml).eject("bank")
    assert 'load_settings(BankSettings, "BANK", {"limit": 7})' in text(done, "app/main.py")
    assert not any(b"1234" in content for content in done.files.values())
    assert "| BANK_PIN | has to be set |" in text(done, "README.md")


@pytest.mark.parametrize(
    ("files", "toml", "where", "what"),
    [
        (
            {"town/bank/contract.py": contract("Bank", "@query(role='teller')\nasync def work(self) -> int: ...")},
            "",
            "town/bank/contract.py:4",
            "role 'teller'",
        ),
        (
            {
                "town/bank/contract.py": "from calve import Event\nclass Paid(Event): ...\n"
                + contract("Bank").replace('version="1.0"', 'version="1.0", publishes=[Paid]')
            },
            "",
            "town/bank/contract.py:6",
            "publishes Paid",
        ),
        (
            {"town/bank/service.py": f"from calve import on\n{SERVICE}"},
            "",
            "town/bank/service.py:1",
            "calve.on",
        ),
        (
            {"town/bank/service.py": f"from calve import current_call\n{SERVICE}"},
            "",
            "town/bank/service.py:1",
            "calve.current_call",
        ),
    ],
)
def test_what_cannot_be_ejected_is_refused_with_its_line(
    project: MakeProject, files: dict[str, str], toml: str, where: str, what: str
) -> None:
    with pytest.raises(EjectRefused) as caught:
        project(BANK, files, toml=toml).eject("bank")
    assert caught.value.where == where
    assert what in str(caught.value)


CALLER = (
    "from .contract import Bank\nfrom ..mint.contract import Mint\n"
    "class BankService(Bank):\n    def __init__(self, mint: Mint) -> None:\n        self._mint = mint\n"
    "    async def work(self) -> int:\n        return await self._mint.work()\n"
)


def test_what_a_neighbour_publishes_is_its_own_business(project: MakeProject) -> None:
    mint = contract("Mint", head="from calve import Event\nclass Coined(Event):\n    cents: int\n")
    files = {
        "town/bank/service.py": CALLER,
        "town/mint/__init__.py": "",
        "town/mint/contract.py": mint.replace('version="1.0"', 'version="1.0", publishes=[Coined]'),
        "town/mint/service.py": SERVICE.replace("Bank", "Mint"),
    }
    done = project(BANK, files).eject("bank")
    assert "from support import DomainError, Event, Message" in text(done, "town/mint/contract.py")
    assert "class Mint(Protocol):" in text(done, "town/mint/contract.py")
    assert "class MintClient(Mint):" in text(done, "app/clients/mint.py")
    assert "    mint_url: str\n" in text(done, "app/main.py")


def test_somebody_else_s_service_is_called_where_it_was(project: MakeProject) -> None:
    toml = '[service.mint]\nurl = "https://mint.example/v1"\ncontract = "town.mint.contract:Mint"\n'
    made = project(BANK, {"town/bank/service.py": CALLER}, toml=toml)
    (made.root / "town" / "mint").mkdir()
    (made.root / "town" / "mint" / "__init__.py").touch()
    (made.root / "town" / "mint" / "contract.py").write_text(contract("Mint"))
    done = made.eject("bank")
    assert '    mint_url: str = "https://mint.example/v1"\n' in text(done, "app/main.py")
    assert 'Peer("mint", settings.mint_url, None, settings.mint_token.reveal()' in text(done, "app/main.py")
    assert not any(
        "internal_token" in content.decode() for path, content in done.files.items() if path == "app/main.py"
    )


async def test_a_service_without_a_store_remembers_what_it_answered(project: MakeProject, tmp_path: Path) -> None:
    body = "@command(http='POST /counts')\nasync def count(self, step: int) -> int: ..."
    service = (
        "from .contract import Bank\nclass BankService(Bank):\n    counted = 0\n"
        "    async def count(self, step: int) -> int:\n        self.counted += step\n        return self.counted\n"
    )
    files = {"town/bank/contract.py": contract("Bank", body), "town/bank/service.py": service}
    write(project(BANK, files).eject("bank"), tmp_path / "out", force=False)
    with serving(tmp_path / "out") as process:
        client = HttpClient(process.url)

        async def count(step: int, key: str) -> Answer:
            headers = {"idempotency-key": key}
            return await client.request("POST", "/counts", json={"step": step}, headers=headers)

        assert [(await count(5, key)).json() for key in ("a", "a", "b", "a")] == [5, 5, 10, 5]
        assert (await count(5, "a")).headers["idempotency-replayed"] == "true"
        assert (await count(6, "a")).status == 422
        deep = await client.request(
            "POST", "/counts", body=b"[" * 100_000, headers={"content-type": "application/json"}
        )
        assert (deep.status, deep.json()["code"]) == (400, "invalid_argument")


def test_an_unknown_service_and_an_adopted_one_are_named(project: MakeProject) -> None:
    made = project(BANK, {"old.py": "app = None"}, toml='[service.legacy]\nasgi = "old:app"\n')
    with pytest.raises(ConfigError, match="did you mean 'bank'"):
        made.eject("bnak")
    with pytest.raises(ConfigError, match="application of its own already"):
        made.eject("legacy")


def test_a_folder_with_something_in_it_is_left_alone_unless_forced(project: MakeProject, tmp_path: Path) -> None:
    done, folder = project(BANK).eject("bank"), tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        write(done, folder, force=False)
    assert len(list(folder.iterdir())) == 1
    assert write(done, folder, force=True)[0].is_file()
    assert (folder / "mine.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def shop() -> AppConfig:
    """The shop, on SQLite."""
    return shop_config()


def test_ejected_projects_are_clean_and_their_own_test_passes(shop: AppConfig, tmp_path: Path) -> None:
    folder = ejected(shop, "orders", tmp_path)
    for command in (
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "format", "--no-cache", "--check", "."],
        ["pytest", "-q", "-p", "no:cacheprovider", "-p", "no:calve", "tests"],
    ):
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, env=environ, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert not [path for path in folder.rglob("*.py") if re.search(r"^\s*(from|import) calve", path.read_text(), re.M)]


def test_what_is_missing_is_said_in_one_line(shop: AppConfig, tmp_path: Path) -> None:
    folder = ejected(shop, "orders", tmp_path)
    command = [sys.executable, "-m", "app"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": ""})
    assert (done.returncode, done.stderr) == (1, "error: CATALOG_URL is not set; set it in the environment\n")


async def test_the_data_of_before_is_taken_over(shop: AppConfig, tmp_path: Path) -> None:
    owner, database = uuid4(), tmp_path / "wallet.db"
    deposit = {"cents": 5, "reference": str(uuid4())}
    settings = {
        "store.url": f"sqlite:///{tmp_path}/{{service}}.db",
        "service.catalog.products": 0,
        "service.inventory.products": 0,
    }
    async with InProcessRunner().start(SHOP, settings=settings) as app:
        await app.rest.request("PUT", f"/wallets/{owner}")
        assert (await app.rest.request("POST", f"/wallets/{owner}/deposits", json=deposit)).status == 200
        before = (await app.rest.request("GET", f"/wallets/{owner}/statement")).json()
    folder = ejected(shop, "wallet", tmp_path / "out")
    with serving(folder, DATABASE_URL=f"sqlite:///{database}") as process:
        client = HttpClient(process.url)
        assert (await client.request("GET", f"/wallets/{owner}/statement")).json() == before
        again = await client.request("POST", f"/wallets/{owner}/deposits", json=deposit)
        assert again.json()["cents"] == 5


async def test_without_a_token_nothing_internal_is_served(shop: AppConfig, tmp_path: Path) -> None:
    with serving(ejected(shop, "wallet", tmp_path)) as process:
        client, body = HttpClient(process.url), {"owner": str(uuid4()), "cents": 5, "reference": str(uuid4())}
        for headers in ({}, {"authorization": "Bearer None"}, {"authorization": "Bearer "}):
            answer = await client.request("POST", "/internal/refund", json=body, headers=headers)
            assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_of_two_commands_with_one_key_at_once_one_waits_for_neither(shop: AppConfig, tmp_path: Path) -> None:
    folder = ejected(shop, "wallet", tmp_path)
    with serving(folder) as process:
        client, url = HttpClient(process.url), f"/wallets/{uuid4()}"
        await client.request("PUT", url)
        holder = sqlite3.connect(folder / "data" / "wallet.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")  # whoever writes waits
        body, headers = {"cents": 5, "reference": str(uuid4())}, {"idempotency-key": "k"}

        def deposit() -> asyncio.Task[Answer]:
            return asyncio.ensure_future(client.request("POST", f"{url}/deposits", json=body, headers=headers))

        done, waiting = await asyncio.wait({deposit(), deposit()}, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert (refused.status, refused.json()["code"], refused.headers["retry-after"]) == (409, "in_flight", "1")
        holder.execute("ROLLBACK")
        holder.close()
        assert (await waiting.pop()).json()["cents"] == 5
        repeated = await deposit()
        assert repeated.headers["idempotency-replayed"] == "true"


def test_nothing_is_written_that_is_no_python(shop: AppConfig, tmp_path: Path) -> None:
    folder = ejected(shop, "catalog", tmp_path)
    for path in folder.rglob("*.py"):
        assert textwrap.dedent(path.read_text()).startswith('"""'), f"{path} does not say what it is for"
