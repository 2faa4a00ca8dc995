"""Programs outside of all units: how they find them, and what is left of the connection at the end or in a fork."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import pytest

from calve import sync
from calve.core.errors import CalveError, ConfigError

from .conftest import Program

HEAD = """
import os
from calve import sync
from purse import Purse, Empty
purse = sync.client(Purse)
"""


def test_a_program_calls_what_runs(running: Path, program: Program) -> None:
    text = """
from calve import call_options, Principal, DeadlineExceeded
print(purse.coins(), purse(Purse.coins, least=3), list(purse.count(3)))
try:
    purse.coins(8)
except Empty as error:
    print("empty")
with call_options(timeout_seconds=0.05, principal=Principal("ann")):
    print(purse.who())
    try:
        purse.wait()
    except DeadlineExceeded:
        print("late")
"""
    assert program(HEAD + text).split("\n") == ["7 7 [0, 1, 2]", "empty", "ann", "late", ""]


def test_the_project_may_be_elsewhere(running: Path, program: Program, tmp_path: Path) -> None:
    text = f"import os, sys; os.chdir({str(tmp_path)!r}); sys.path.insert(0, {str(running)!r})\n"
    assert program(text + HEAD + "print(purse.coins())", CALVE_CONFIG=str(running / "calve.toml")) == "7\n"
    explicit = f"with sync.connect({str(running / 'calve.toml')!r}) as c: print(c.client(Purse).coins())"
    assert program(text + HEAD + explicit) == "7\n"


def test_threads_share_a_connection_and_it_closes(running: Path, program: Program) -> None:
    text = """
import threading
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda _: purse.coins(), range(50))))
print([t.name for t in threading.enumerate() if t.name == "calve-sync"])
sync.close()
sync.close()
print([t.name for t in threading.enumerate() if t.name == "calve-sync"])
print(purse.coins())
"""
    assert program(HEAD + text) == "350\n['calve-sync']\n[]\n7\n"


def test_a_fork_has_a_connection_of_its_own(running: Path, program: Program) -> None:
    text = """
def sockets():
    return sum(os.readlink(f"/proc/self/fd/{n}").startswith("socket") for n in os.listdir("/proc/self/fd")
               if os.path.exists(f"/proc/self/fd/{n}"))
purse.coins()
before = sockets()
pid = os.fork()
if pid == 0:
    assert sockets() < before, "what was connected is the parent's"
    assert purse.coins() == 7
    sync.close()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(purse.coins())
"""
    assert program(HEAD + text) == "7\n"


def test_a_pool_of_processes_may_use_it(running: Path, program: Program) -> None:
    text = """
import multiprocessing
def ask(_):
    return purse.coins()
purse.coins()
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(sum(pool.map(ask, range(6))))
"""
    assert program(HEAD + text) == "42\n"


def test_what_does_not_run_is_said(project: Path, importable: Path) -> None:
    from calve.contract import ContractError

    shutil.copy(project / "purse.py", importable)
    purse = importlib.import_module("purse")
    connection = sync.connect(project / "calve.toml")
    client = connection.client(purse.Purse)
    if not (project / ".calve" / "endpoints.json").exists():
        with pytest.raises(ConfigError, match=r"nothing says where; .*set"):
            client.coins()
    connection.close()
    connection.close()
    with pytest.raises(CalveError, match="closed"):
        client.coins()
    with pytest.raises(ConfigError, match=r"no calve.toml|cannot be read"):
        sync.connect(importable / "calve.toml").client(purse.Purse).coins()
    with pytest.raises(ContractError):
        sync.client(purse.PurseService)
