"""A contract with everything, and tools of other languages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calve.contract import describe
from calve.contract.lock import Described, describe_contract, with_numbers

from .everything import Everything

PACKAGES = ("typescript@5.9", "@asyncapi/specs@6")
INSTALL_SECONDS = 100


@pytest.fixture(scope="session")
def everything() -> Described:
    """The contract with everything, numbered."""
    described = describe_contract("everything", describe(Everything))
    return Described(with_numbers(described.description, None), described.docs)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Packages from npm, installed beside the environment on first use."""
    folder = Path(sys.prefix) / "share" / "calve-node"
    modules = folder / "node_modules"
    if all((modules / package.rpartition("@")[0]).is_dir() for package in PACKAGES):
        return modules
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("needs node and npm: install Node.js 20 or newer")
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        pytest.skip(f"needs {' and '.join(PACKAGES)}: {' '.join(command)}")
    return modules
