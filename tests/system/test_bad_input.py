"""What is configured wrongly is one line on standard error with the next step, exit code 2 and no traceback."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ..till import write_till
from .conftest import calve, calve_run

CONTRACT = '''
"""What the book promises."""
from typing import Protocol
from calve import Contract, query

class Book(Contract, Protocol, version="1.0"):
    """Notes."""

    @query(http="GET /notes")
    async def notes(self) -> int: ...
'''

SERVICE = '''
"""Keeps notes."""
from calve import Secret, Settings, Store
from .contract import Book

class BookSettings(Settings):
    pages: int = 7

class BookService(Book):
    def __init__(self, store: Store, settings: BookSettings) -> None:
        self._store = store

    async def notes(self) -> int:
        return await self._store.one("SELECT count(*) FROM note", int) or 0
'''

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;\n"

TLS = 'tls_cert = "a.pem"\ntls_key = "b.pem"\ntls_ca = "c.pem"\n'

Change = Callable[[Path], object]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The till with one more service, which has a store and settings."""
    folder = write_till(tmp_path / "project")
    book = folder / "till" / "book"
    (book / "schema").mkdir(parents=True)
    (book / "__init__.py").touch()
    (book / "contract.py").write_text(CONTRACT)
    (book / "service.py").write_text(SERVICE)
    (book / "schema" / "0001_note.sql").write_text(SCHEMA)
    change("calve.toml", '"till.desk"]', '"till.desk", "till.book"]')(folder)
    change("calve.toml", '["purse"]', '["purse", "book"]')(folder)
    return folder


def change(file: str, before: str, after: str) -> Change:
    """Replace a text."""

    def apply(folder: Path) -> None:
        text = (folder / file).read_text()
        assert before in text
        (folder / file).write_text(text.replace(before, after))

    return apply


def toml(before: str, after: str) -> Change:
    """Replace a text of calve.toml."""
    return change("calve.toml", before, after)


def more(text: str) -> Change:
    """Add to the end of calve.toml, which is the section `[http]`."""
    return lambda folder: (folder / "calve.toml").write_text(f"{(folder / 'calve.toml').read_text()}{text}")


def write(file: str, content: str = "") -> Change:
    """Write a file."""

    def apply(folder: Path) -> None:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(content)

    return apply


def service(before: str, after: str) -> Change:
    """Replace a text of the book's service."""
    return change("till/book/service.py", before, after)


def both(*changes: Change) -> Change:
    """One after the other."""
    return lambda folder: [apply(folder) for apply in changes]


class Case(NamedTuple):
    """One fault."""

    name: str
    change: Change
    line: str
    """Found in the one line, as a regular expression."""
    arguments: tuple[str, ...] = ("-t", "split")
    settings: dict[str, str] = {}  # noqa: RUF012  (never changed)


SPLIT, ONE, UNIT = ("-t", "split"), (), ("-u", "money")
NOWHERE: Change = lambda folder: None  # noqa: E731

CASES = [
    # calve.toml
    Case("no file", lambda f: (f / "calve.toml").unlink(), r"no calve\.toml in .*; change to the folder of a project"),
    Case(
        "a folder",
        both(lambda f: (f / "calve.toml").unlink(), lambda f: (f / "calve.toml").mkdir()),
        r"no calve\.toml in",
        ONE,
    ),
    Case("not TOML", more("[http\n"), r"calve\.toml:11: not TOML: "),
    Case("not text", lambda f: (f / "calve.toml").write_bytes(b"\xff\xfe"), r"not UTF-8 \(byte 0\); save it as UTF-8"),
    Case("unknown key", more('hots = "x"\n'), r"calve\.toml:11: \[http\] hots is not a setting; did you mean 'host'"),
    Case("unknown section", more("[htp]\n"), r"\[htp\] is not a section; did you mean 'http'"),
    Case("wrong type", toml("port = 0", 'port = "http"'), r"calve\.toml:10: \[http\] port: expected `int`, got `str`"),
    Case("out of range", toml("port = 0", "port = 99999"), r"\[http\] port: expected `int` <= 65535"),
    Case(
        "unknown variable",
        NOWHERE,
        r"CALVE_HTTP_PROT: not a setting; did you mean 'CALVE_HTTP_PORT'",
        SPLIT,
        {"CALVE_HTTP_PROT": "1"},
    ),
    Case("bad variable", NOWHERE, "CALVE_HTTP_PORT: .* expected `int`", UNIT, {"CALVE_HTTP_PORT": "http"}),
    Case("bad address", more('[wire]\nlisten = "tcp:/x"\n'), r"\[wire\] listen: expected .* \(address a unit listens"),
    Case("another store", more('[store]\nurl = "mysql://u:hunter2@h/d"\n'), r"no store for 'mysql'; known"),
    Case(
        "unknown exporter",
        NOWHERE,
        "OTEL_TRACES_EXPORTER: there is no exporter 'zipkin'; known: ",
        SPLIT,
        {"OTEL_TRACES_EXPORTER": "zipkin"},
    ),
    # Topologies
    Case("unknown topology", NOWHERE, "--topology: no topology 'spilt'; did you mean 'split'", ("-t", "spilt")),
    Case("unknown unit", NOWHERE, "--unit: no topology has a unit 'mony'; did you mean 'money'", ("-u", "mony")),
    Case("unknown service", toml('["desk"]', '["dsk"]'), "unit 'front': no service 'dsk'; did you mean 'desk'"),
    Case("left out", toml('["purse", "book"]', '["purse"]'), r"'book' is in no unit of \[topology\.split\]; add it"),
    Case(
        "replicas",
        more("[unit.money]\nreplicas = 2\n"),
        "asks for 2 replicas, but the store of 'book' is a SQLite file, which one process owns; set replicas = 1",
    ),
    # Services
    Case("no package", toml('"till.purse"', '"tll.purse"'), r"module 'tll\.purse' was not found; .*check the name"),
    Case("no module", lambda f: (f / "till/book/contract.py").unlink(), r"no module till\.book\.contract; create"),
    Case(
        "import fails",
        service("class BookS", "1 / 0\nclass BookS"),
        r"failed on import: ZeroDivisionError: division by zero \(.*service\.py:6\)",
        ONE,
    ),
    Case("not Python", service("class BookS", "def (\nclass BookS"), r"SyntaxError: .* \(.*service\.py:6\)", UNIT),
    Case("import exits", service("class BookS", "raise SystemExit(7)\nclass BookS"), "failed on import: SystemExit: 7"),
    Case("library missing", service("class BookS", "import no_such_lib\nclass BookS"), "needs 'no_such_lib', which"),
    Case("no implementation", service("(Book)", ""), "has no implementation of Book .*; define exactly one class"),
    Case("operation missing", service("async def notes", "async def nots"), "'notes' of Book is not implemented", ONE),
    Case("other parameters", service("notes(self)", "notes(self, x)"), "does not fit the contract's notes.*; give it"),
    Case("bad contract", change("till/desk.py", "answer(self)", "answer(self, x)"), "parameter 'x' has no annotation"),
    Case(
        "ambiguous",
        both(change("till/desk.py", "class Desk(", "class Book("), change("till/desk.py", "(Desk)", "(Book)")),
        r"contract Book is ambiguous: till\.desk and till\.book both have it; rename",
    ),
    Case(
        "one path twice",
        change("till/desk.py", "GET /answer", "GET /coins"),
        "GET /coins is claimed by purse.coins and by desk.answer; give one of the two another path",
    ),
    # Dependencies
    Case(
        "cycle",
        both(
            service("store: Store", "store: Store, desk: Desk"),
            service("from .c", "from till.desk import Desk\nfrom .c"),
            change("till/desk.py", "purse: Purse", "purse: Purse, book: Book"),
            change("till/desk.py", "from calve", "from till.book.contract import Book\nfrom calve"),
        ),
        "services depend on each other in a circle: book -> desk -> book; let one of them",
    ),
    Case(
        "nobody has it",
        both(toml('"till.purse", ', ""), toml('["purse", "book"]', '["book"]')),
        r"desk -> purse: Purse: no service of this application implements it; .*add the service to \[app\] services",
    ),
    Case("not injectable", change("till/desk.py", "purse: Purse", "purse: int"), "cannot be injected; .*ask for a"),
    Case("unknown name", change("till/desk.py", "purse: Purse", 'purse: "Prse"'), "name 'Prse' is not defined; import"),
    Case("middleware", toml("[topology", 'middleware = ["till.book:Log"]\n[topology'), r"till\.book has no 'Log'"),
    # Settings and secrets
    Case(
        "setting missing",
        service("pages: int = 7", "pages: int"),
        r"\[service\.book\] pages is not set; set"
        " CALVE_SERVICE_BOOK_PAGES in the environment, or write it to the file .*service_book_pages, or as pages",
        ONE,
    ),
    Case(
        "secret missing",
        service("pages: int = 7", "key: Secret"),
        r"\[service\.book\] key is not set; set"
        " CALVE_SERVICE_BOOK_KEY in the environment, or write it to the file .*service_book_key, or as key",
    ),
    Case("unknown setting", more("[service.book]\npgaes = 1\n"), "pgaes is not a setting; did you mean 'pages'", UNIT),
    Case("nobody's setting", more("[service.bok]\npages = 1\n"), r"\[service\.bok\]: no service 'bok'; did you mean"),
    Case("no secrets", NOWHERE, "CALVE_SECRETS_DIR: /nowhere is not a folder", ONE, {"CALVE_SECRETS_DIR": "/nowhere"}),
    # Stores
    Case("no database", write("data/book.db", "no database" * 100), "is not a SQLite database; move that file away"),
    Case("a folder as database", lambda f: (f / "data/book.db").mkdir(parents=True), "is a directory, .*; name a file"),
    Case("no folder", write("data"), r"cannot make the folder .*; name a folder that this user may write to", ONE),
    Case("bad SQL", change("till/book/schema/0001_note.sql", "TABLE", "TABEL"), r'0001_note\.sql:1: near "TABEL": .*;'),
    Case("no schema file", write("till/book/schema/note.sql"), "not a name for a schema file; call it for example"),
    # Certificates and addresses
    Case("no certificate", more(f"[wire]\n{TLS}"), r"\[wire\] tls_cert: .*a\.pem is not a file"),
    Case("half a pair", more('[wire]\ntls_cert = "a.pem"\n'), r"tls_key is not set; set tls_cert, tls_key and tls_ca"),
    Case(
        "bad certificate",
        both(*map(write, ("a.pem", "b.pem", "c.pem")), more(f"[wire]\n{TLS}")),
        "certificate and key do not load: .*; give a PEM certificate",
        UNIT,
    ),
    Case("another host", toml("port = 0", 'port = 0\nhost = "203.0.113.1"'), "203.0.113.1 is not an address of this"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_one_line_says_what_and_where_and_what_next(project: Path, case: Case) -> None:
    case.change(project)
    refused(calve(project, "run", *case.arguments, **case.settings), case.line)


def refused(done: subprocess.CompletedProcess[str], line: str) -> None:
    """Assert that a run was refused, for this reason and without noise."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    errors = [text for text in done.stderr.splitlines() if text.startswith("calve: error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.endswith(f"{errors[0]}\n")
    assert re.search(line, errors[0]), errors[0]
    assert '"level":"error"' not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("arguments", [ONE, SPLIT, UNIT], ids=["one", "split", "unit"])
def test_a_port_in_use_is_named(project: Path, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"CALVE_HTTP_PORT": port, "CALVE_DISCOVERY_FILE": "x.json"}
        if arguments != UNIT:  # the port after it may be in use by somebody else
            settings["CALVE_UNIT_MONEY_HTTP_PORT"] = "0"
        done = calve(project, "run", *arguments, **settings)
    refused(done, rf"port {port} of 127\.0\.0\.1 is in use; stop the process that has it, or set another port")


@pytest.mark.skipif(os.geteuid() == 0, reason="only on an unprivileged user: root may read anything")
def test_a_database_that_may_not_be_read_is_named(project: Path) -> None:
    write("data/book.db")(project)
    (project / "data" / "book.db").chmod(0)
    refused(calve(project, "run"), r"book\.db: is not readable and writable; let this user read and write it")


def test_a_database_that_once_was_good(project: Path, short_tmp: Path) -> None:
    with calve_run(project, short_tmp) as first:
        first.line("till is ready")
        again = calve(project, "run")
        refused(again, rf"book\.db: process {first.pid('till')} uses the database, .*; stop that process")
        assert first.stop() == 0
    database, schema = project / "data" / "book.db", project / "till" / "book" / "schema" / "0001_note.sql"
    schema.write_text(SCHEMA.replace("text TEXT", "line TEXT"))
    refused(calve(project, "run"), r"0001_note\.sql.*chang.*;")
    schema.write_text(SCHEMA)
    with database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2000)
    refused(calve(project, "run"), r"book\.db: is damaged \(.*\); restore a backup")


def test_other_commands_say_it_as_well(project: Path) -> None:
    more('hots = "x"\n')(project)
    for command in (("topology",), ("contract", "show"), ("call", "purse.coins")):
        done = calve(project, *command)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "[http] hots is not a setting; did you mean 'host'" in done.stderr
