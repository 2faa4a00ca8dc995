"""What the documentation shows is what happens: its programs run, its commands print what stands below them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from calve.testing.postgres import Missing, admin_connection

from .conftest import REPOSITORY, Block, Page, parse

LANGUAGES = {"console", "ini", "json", "python", "sql", "text", "toml", "yaml"}
PATIENCE_SECONDS = 60
SHOWN_PORT = 8000
PORTS = 4  # in a row: the edge's, and those of the other units after it


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now; of four digits, so that tables stay as wide."""
    for first in random.sample(range(8100, 9900), 100):
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("a hundred ports in use")


def pattern(expected: str) -> str:
    """The regular expression for expected output: `...` alone is any lines, within a line anything."""
    lines = expected.splitlines()
    parts = [
        r"(?:.*\n)*?" if li.strip() == "..." else ".*?".join(map(re.escape, li.split("..."))) + "\n" for li in lines
    ]
    return "".join(parts)


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output expected below it."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


class Terminal:
    """Runs the commands of one page in one folder and stops at the end what is still running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(PORTS)
        bin_folder = str(Path(sys.executable).parent)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "PYTEST_"))},
            "PATH": bin_folder + os.pathsep + os.environ.get("PATH", ""),
            "CALVE_HTTP_PORT": str(self.port),
            "XDG_CACHE_HOME": str(folder.with_name("cache")),
            "CALVE_LOG_FORMAT": "console",  # as on a terminal
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
        }
        self._running: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _shown(self, text: str) -> str:
        for number in range(PORTS):
            text = text.replace(str(self.port + number), str(SHOWN_PORT + number))
        return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)

    def real(self, text: str) -> str:
        """The text of a page with the ports of this run."""
        for number in range(PORTS):
            text = text.replace(str(SHOWN_PORT + number), str(self.port + number))
        return text

    def run(self, command: str, expected: str, status: int) -> None:
        """Run to the end and compare all it prints."""
        process = self._start(["bash", "-c", self.real(command)])
        try:
            output = self._shown(process.communicate(timeout=PATIENCE_SECONDS)[0])
        finally:
            _stop(process)
        assert re.fullmatch(pattern(expected), output), f"$ {command}\nprinted\n{output}\nbut the page says\n{expected}"
        assert process.returncode == status, f"$ {command} ended with {process.returncode}, not {status}:\n{output}"

    def background(self, command: str, expected: str) -> None:
        """Start, and wait until it has printed what the page says."""
        process = self._start(["bash", "-c", "exec env " + self.real(command)])
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_drain, args=(process, lines), daemon=True)
        reader.start()
        self._running.append((process, reader))
        output, end = "", time.monotonic() + PATIENCE_SECONDS
        while not re.match(pattern(expected) + r"\Z", output):
            try:
                line = lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                line = ""
            if not line:
                pytest.fail(f"$ {command} &\nprinted\n{output}\nbut the page says\n{expected}")
            output += self._shown(line)

    def python(self, page: Page, blocks: list[Block]) -> None:
        """Run the blocks as one program whose line numbers are those of the page."""
        text = ""
        for block in blocks:
            text += "\n" * (block.line - 1 - text.count("\n")) + block.text
        program = self.folder / (Path(page.name).stem.replace("-", "_") + "_page.py")
        program.write_text(text, encoding="utf-8")
        self.run(f"{sys.executable} {program.name}", "...\n", 0)

    def close(self) -> None:
        """Stop everything, last started first."""
        for process, reader in reversed(self._running):
            _stop(process)
            reader.join()


def _drain(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line)
    lines.put("")


def _stop(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A place to run commands."""
    terminal = Terminal(tmp_path / "page")
    yield terminal
    terminal.close()


async def _drop_guides() -> None:
    """Remove what the page about PostgreSQL makes, or was about to remove when it failed last time."""
    admin = await admin_connection()
    try:
        for (name,) in await admin.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'guide\\_%'"):
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        for (name,) in await admin.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'guide\\_%'"):
            await admin.execute(f'DROP ROLE "{name}"')
    finally:
        await admin.close()


def test_what_a_page_shows_happens(page: Page, terminal: Terminal) -> None:
    if page.needs is None:
        play(page, terminal)
        return
    try:
        asyncio.run(_drop_guides())
    except Missing as missing:
        pytest.skip(str(missing))
    try:
        play(page, terminal)
    finally:
        terminal.close()
        asyncio.run(_drop_guides())


def play(page: Page, terminal: Terminal) -> None:
    """Do everything a page shows, in its order; its Python program at the end."""
    if any("curl " in b.text for b in page.blocks if b.language == "console") and not shutil.which("curl"):
        pytest.skip("needs curl: apt-get install curl")
    if page.folder is None:
        terminal.folder.mkdir()
    else:
        ignored = shutil.ignore_patterns("data", "__pycache__", ".calve", "*.db*")
        shutil.copytree(REPOSITORY / page.folder, terminal.folder, ignore=ignored)
    program = []
    for block in page.blocks:
        if "file" in block.notes:
            path = terminal.folder / block.notes["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(terminal.real(block.text), encoding="utf-8")
        elif {"from", "not run"} & set(block.notes):
            continue
        elif block.language == "python":
            program.append(block)
        elif block.language == "console":
            listed = commands(block)
            for number, (command, expected) in enumerate(listed, 1):
                if command.startswith("cd "):
                    terminal.folder /= command.removeprefix("cd ")
                elif command.endswith(" &"):
                    terminal.background(command.removesuffix(" &"), expected)
                else:
                    terminal.run(command, expected, int(block.notes.get("exits", 0)) if number == len(listed) else 0)
    if program:
        terminal.python(page, program)


def test_excerpts_are_word_for_word(page: Page) -> None:
    for block in page.blocks:
        if "from" in block.notes:
            source = (REPOSITORY / block.notes["from"]).read_text(encoding="utf-8")
            assert excerpt(block.text, source), f"{page.name}:{block.line} is not in {block.notes['from']}"


def excerpt(shown: str, source: str) -> bool:
    """Whether the pieces of `shown` between lines `...` stand in `source`, in order, as whole lines."""
    pieces = re.split(r"(?m)^\s*\.\.\.\n", shown)
    at, source = 0, "\n" + source
    for piece in filter(str.strip, pieces):
        found = source.find("\n" + piece.strip("\n") + "\n", at)
        if found < 0:
            return False
        at = found + len(piece.strip("\n"))
    return True


def test_every_block_has_a_language_that_is_looked_at(page: Page) -> None:
    for block in page.blocks:
        assert block.language in LANGUAGES, f"{page.name}:{block.line}: {block.language!r}"
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "json":
            json.loads(block.text)


def test_the_harness_finds_a_page_that_lies(terminal: Terminal) -> None:
    text = "```console\n$ echo one; echo two 2 three\none\ntwo ... three\n$ printf 'a\\nb\\nc\\n'\n...\nc\n```\n"
    play(parse("true.md", text), terminal)
    terminal.folder = terminal.folder.with_name("second")
    with pytest.raises(AssertionError, match="but the page says"):
        play(parse("lie.md", text.replace("\none\n", "\nOne\n")), terminal)
    terminal.folder = terminal.folder.with_name("third")
    with pytest.raises(AssertionError, match="ended with 3"):
        play(parse("lie.md", "```console\n$ exit 3\n```\n"), terminal)
    terminal.folder = terminal.folder.with_name("fourth")
    with pytest.raises(AssertionError, match="line 4"):
        play(parse("lie.md", "# Text\n\n```python\nassert 1 == 2\n```\n"), terminal)


def test_the_harness_runs_servers_and_writes_files(terminal: Terminal) -> None:
    text = (
        "<!-- file: site/index.html -->\n\n```text\nhello\n```\n\n```console\n"
        "$ python -m http.server 8000 --bind 127.0.0.1 --directory site &\n"
        "Serving HTTP on 127.0.0.1 port 8000 ...\n"
        "$ python -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/').read())\"\nb'hello\\n'\n```\n"
    )
    play(parse("server.md", text), terminal)


def test_an_excerpt_may_leave_lines_out_but_not_change_them() -> None:
    source = "a = 1\nb = 2\nc = 3\n"
    assert excerpt("a = 1\nb = 2\n", source)
    assert excerpt("a = 1\n...\nc = 3\n", source)
    assert not excerpt("a = 1\nc = 3\n", source)
    assert not excerpt("c = 3\n...\na = 1\n", source)
    assert not excerpt("b = 22\n", source)
