"""The TypeScript client: it compiles strictly, and talks to an edge."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tree_sitter_typescript
from tree_sitter import Language, Parser

from calve.contract.exports import typescript
from calve.contract.lock import Described

STRICT = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noImplicitReturns"]
TARGET = ["--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--module", "nodenext"]

USE = """
import { EverythingClient, CallFailed, type NodeError, type Point } from "./everything.js";

const client = new EverythingClient({ base: process.argv[2]!, headers: { Authorization: "Bearer t" } });
const found = await client.node({ import_: "a/b", colors: ["red", "dark red"] });
if (found.ok) console.log("node", found.value.name, found.value.children?.length);
const missing = await client.node({ import_: "nobody", deep: true });
if (!missing.ok) {
  const error: NodeError = missing.error;
  console.log(error.code, error.status, error.name);
}
const refused = await client.delete({ name: "x" }, { idempotencyKey: "k1" });
console.log("deleted", refused.ok);
try {
  await client.prices();
} catch (error) {
  if (error instanceof CallFailed) console.log("failed", error.problem.code);
}
const points: Point[] = [];
try {
  for await (const point of client.points({ upto: 3 })) points.push(point);
} catch (error) {
  if (error instanceof CallFailed) console.log("stream", error.problem.code);
}
console.log(JSON.stringify(points));
for await (const [x] of client.points({ upto: 1 })) { console.log("left at", x); break; }
"""
WRONG = """
import { EverythingClient } from "./everything.js";
const client = new EverythingClient({ base: "" });
const answer = await client.node({ import_: 5 });
console.log(answer.value);
"""


class Edge(BaseHTTPRequestHandler):
    """Answers what the tests expect, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str, str | None]]] = []

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def _answer(self, status: int, body: str, kind: str = "application/json") -> None:
        self.asked.append((self.command, self.path, self.headers.get("Idempotency-Key")))
        assert self.headers["Authorization"] == "Bearer t"
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Answer a query."""
        if "nobody" in self.path:
            problem = {
                "type": "urn:calve:error:everything:NotThere",
                "code": "NotThere",
                "status": 404,
                "name": "nobody",
            }
            self._answer(404, json.dumps(problem), "application/problem+json")
        elif "points" in self.path:
            error = 'event: error\ndata: {"code": "unavailable"}\n\n'
            self._answer(200, f"data: [1.5]\n\n:\n\ndata: [2,3]\n\n{error}", "text/event-stream")
        elif "prices" in self.path:
            self._answer(502, "<html>", "text/html")
        else:
            self._answer(200, '{"name": "a", "children": [{"name": "b"}]}')

    def do_DELETE(self) -> None:
        """Answer a command."""
        self._answer(204, "")


@pytest.fixture
def edge() -> Iterator[str]:
    """Address of a server that answers like an edge."""
    Edge.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Edge)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def compile_(folder: Path, node_modules: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["node", str(node_modules / "typescript" / "bin" / "tsc"), *STRICT, *TARGET, *options]
    files = [str(path) for path in sorted(folder.glob("*.ts"))]
    return subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def module(tmp_path: Path, everything: Described) -> Path:
    """A folder with the exported module."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "everything.ts").write_text(typescript(everything))
    return tmp_path


def test_its_syntax_is_that_of_typescript(everything: Described) -> None:
    tree = Parser(Language(tree_sitter_typescript.language_typescript())).parse(typescript(everything).encode())
    assert not tree.root_node.has_error


def test_it_compiles_strictly_and_talks_to_an_edge(module: Path, node_modules: Path, edge: str) -> None:
    (module / "use.ts").write_text("declare const process: { argv: string[] };\n" + USE)
    done = compile_(module, node_modules)
    assert done.returncode == 0, done.stdout
    run = subprocess.run(["node", "use.js", edge], cwd=module, capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.splitlines() == [
        "node a 1",
        "NotThere 404 nobody",
        "deleted true",
        "failed internal_error",
        "stream unavailable",
        "[[1.5],[2,3]]",
        "left at 1.5",
    ], run.stderr
    assert Edge.asked[:3] == [
        ("GET", "/things/a%2Fb?colors=red&colors=dark+red", None),
        ("GET", "/things/nobody?deep=true", None),
        ("DELETE", "/things/x", "k1"),
    ]


def test_a_wrong_call_does_not_compile(module: Path, node_modules: Path) -> None:
    (module / "wrong.ts").write_text(WRONG)
    done = compile_(module, node_modules, "--noEmit")
    assert done.returncode != 0
    assert "wrong.ts(4,36): error TS2322" in done.stdout
    assert "wrong.ts(5,20): error TS2339: Property 'value' does not exist on type" in done.stdout


def test_what_it_says(everything: Described) -> None:
    text = typescript(everything)
    assert text.startswith(
        "// Generated from Everything 2.5 by `calve contract export everything --format typescript`."
    )
    assert "export type NodeError = NotThere;\n" in text
    assert "  pay: Card | Cash;\n" in text
    assert "  children?: Node[];\n" in text, "a client may leave it out"
    assert "  shapes: number[];\n" in text, "the service always writes it"
    assert "export interface ResultMessage {\n  class: string;\n" in text
    assert '  "from-where"?: string | null;\n' in text
    assert "hidden" not in text, "it is not on REST"
