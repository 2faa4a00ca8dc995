"""The wheel, as a user gets it: built, installed into an empty environment, and put to work there.

Needs the package registry, as every installation does. The project that `calve new` makes is run in that environment,
asked over HTTP and stopped.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import calve

UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")
"""What pip prints when it cannot reach its registry."""

pytestmark = pytest.mark.timeout(300)


def _run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "PYTHON", "PYTEST_", "VIRTUAL_"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr + done.stdout for sign in UNREACHABLE):
        pytest.skip("needs the package registry: connect this machine to it, or point pip at a mirror")
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree; once, because building takes seconds."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, root, cwd=folder)
    (built,) = folder.glob("calve-*.whl")
    return built


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with nothing but the wheel and what it requires."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    _run(sys.executable, "-m", "venv", home, cwd=home.parent)
    _run(home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=home.parent)
    return home / "bin"


def test_the_wheel_has_the_code_the_types_the_licence_and_nothing_else(wheel: Path, root: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = {p.relative_to(root / "src").as_posix() for p in (root / "src" / "calve").rglob("*") if p.is_file()}
    assert {n for n in names if ".dist-info/" not in n} == {n for n in source if "__pycache__" not in n}
    assert "calve/py.typed" in names
    assert any(n.endswith("/licenses/LICENSE") for n in names)


def test_it_imports_what_it_requires_and_no_more(empty: Path, tmp_path: Path) -> None:
    shown = _run(empty / "calve", "--version", cwd=tmp_path)
    assert calve.__version__ in shown
    listed = json.loads(_run(empty / "python", "-m", "pip", "list", "--format", "json", cwd=tmp_path).splitlines()[0])
    assert not {"pytest", "pydantic", "uvicorn", "opentelemetry-sdk"} & {package["name"] for package in listed}


def _get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture
def served(empty: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A new project, running: its process and the address it answers on."""
    _run(empty / "calve", "new", "demo", cwd=tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "CALVE_HTTP_PORT": str(port)}
    with subprocess.Popen(
        [empty / "calve", "run"],
        cwd=tmp_path / "demo",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def test_a_new_project_runs_answers_and_stops(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if address in line:
            break
    assert process.poll() is None, "".join(seen)
    assert _get(f"{address}/health/ready")[0] == 200
    assert json.loads(_get(f"{address}/openapi.json")[1])["openapi"].startswith("3.1")
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(timeout=30) == 0, rest
    assert "Traceback" not in rest
