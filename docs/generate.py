"""Write the generated pages of `docs/reference` from the code they describe, and the figures that README.md quotes.

    python docs/generate.py            write what has changed
    python docs/generate.py --check    write nothing; print the differences and end with 1 if there are any

A page is a function that returns its whole text. Nothing here knows more than the code does: a text that is missing
here is missing there.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calve.core.settings import SettingRow

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "calve"
FACADES = ("calve", "calve.testing", "calve.store", "calve.contract")
"""What an application, its tests and an adapter import from; the other facades are between rooms."""


ERRORS = """
Every error Calve raises itself. A call that gives no answer ends with one of these, on every transport with the same
`code`; at the REST edge it is a problem document with the same `status`. *May have run* is the default of
`may_have_run`: an error that knows better says so on itself.
[Calls and failures](../concepts/calls-and-failures.md#when-there-is-no-answer) explains what to do with them.
"""
DOMAIN_ERRORS = """
`DomainError` is no failure but an answer, declared by a contract: see
[services and contracts](../concepts/services-and-contracts.md).
"""
SETTINGS = """
Calve's own sections of `calve.toml`. A value comes from the first that has it: the environment, a secret file named
like the variable without `CALVE_` and in lower case, `calve.toml`, the default. A service has its own section
`[service.<name>]`, read into its subclass of `Settings` in the same way.
"""
COMMANDS = """
What `--help` prints, for every command. A command ends with status 0 when all went well, 2 for something that is wrong
before anything ran, and 1 for the rest.
"""
BENCHMARKS = """
Every performance claim with its peers and limits, all measured in one run on one machine. Ratios are what counts;
absolute figures depend on the machine and do not travel.
"""
COMPATIBILITY = """
Every edit of a contract that the tests try, with the verdict of `calve contract check` and the rules that say so: from
`tests/contract/lock/corpus`. [Compatible contracts](../concepts/compatibility.md) explains them.
"""
NAMES = """
What an application, its tests and an adapter import. Details are in the docstrings.
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Lines of a Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    for row in [head, ["---"] * len(head), *rows]:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def code(text: str) -> str:
    """Inline code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def page(title: str, text: str, *parts: Iterable[str]) -> str:
    """A whole page: title, introduction, and parts divided by empty lines."""
    return "\n\n".join([f"# {title}", text.strip(), *("\n".join(part) for part in parts)]) + "\n"


def first_paragraph(thing: Any) -> str:
    """First paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n", 1)[0].split())


def errors() -> str:
    """The page of all errors."""
    from calve.core import errors as module

    calls = [
        [
            f"`{cls.__name__}`",
            code(cls.code),
            str(cls.status),
            cls.fault,
            "yes" if cls.retryable else "no",
            "maybe" if cls.may_have_run_default else "no",
            first_paragraph(cls),
        ]
        for cls in module.CALL_ERRORS.values()
    ]
    known = [value for value in vars(module).values() if isinstance(value, type)]
    others = [c for c in known if issubclass(c, module.CalveError) and c not in module.CALL_ERRORS.values()]
    return page(
        "Errors",
        ERRORS,
        table(["class", "code", "status", "at fault", "retryable", "may have run", "meaning"], calls),
        ["## The others"],
        table(
            ["class", "exit code", "meaning"],
            ([code(c.__name__), str(c.exit_code), first_paragraph(c)] for c in others),
        ),
        [DOMAIN_ERRORS.strip()],
    )


SETTINGS_OF_YOUR_OWN = """
## `[service.<name>]`, `[middleware.<name>]`, `[authenticator]`: what your own code asks for

A service, a middleware and the authenticator each have the keys of the `Settings` class that their constructor asks
for, in a section of their own:

| section | whose | environment |
| --- | --- | --- |
| `[service.<name>]` | the service's own, beside the keys above | `CALVE_SERVICE_<NAME>_<KEY>` |
| `[middleware.<name>]` | of one in `[app] middleware`, by its name in lower case | `CALVE_MIDDLEWARE_<NAME>_<KEY>` |
| `[authenticator]` | of what `[http] authenticator` names | `CALVE_AUTHENTICATOR_<KEY>` |

Secret files take the same names ([settings](../how-to/settings.md), [principals and
middleware](../how-to/middleware-and-principals.md)). A section that belongs to nothing, and a key that nobody asks for,
stop the start.

## `[topology.<name>]`: which services share a process

Each key is a unit, its value the names of its services; `"*"` stands for all that no other unit of the topology has
([topologies](../concepts/topologies.md)). Without any there is `one`, a single unit that has them all.

## `[audit]`: what `calve audit` is told about a monolith

| key | what | type | default |
| --- | --- | --- | --- |
| `history_years` | how far back the history of git is read (years) | `float` | `3` |
| `units` | tables of units, each the prefixes of its modules; overrules the audit | `dict[str, list[str]]` | none |
| `effort` | table of items of work, each the lowest and highest number of days | `dict[str, list[float]]` | none |
"""


def settings() -> str:
    """The page of Calve's own settings."""
    from calve.runtime.sections import SECTIONS, settings_table

    parts: list[Iterable[str]] = []
    for section, kind in SECTIONS.items():
        parts.append([f"## `[{section}]`: {first_paragraph(kind).partition(': ')[2].rstrip('.')}"])
        cells = [_setting(row) for row in settings_table() if row.section == section]
        parts.append(table(["key", "what", "type", "default", "environment"], cells))
    return page("Settings", SETTINGS, *parts, [SETTINGS_OF_YOUR_OWN.strip()])


def _setting(row: SettingRow) -> list[str]:
    what = f"{row.text} ({row.unit})" if row.unit else row.text
    default = row.default if row.default == "required" else code(row.default)
    return [code(row.name), what, code(row.type), default, code(row.env)]


def commands() -> str:
    """The page of the command line, with the help texts as the program prints them."""
    import click

    from calve.cli.group import calve

    def walk(command: click.Command, path: str, parent: click.Context | None) -> Iterator[list[str]]:
        context = click.Context(
            command, parent, path.rpartition(" ")[2], terminal_width=100, **command.context_settings
        )
        yield [f"## `{path}`", "", "```text", *command.get_help(context).rstrip().splitlines(), "```"]
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None and not child.hidden:
                    yield from walk(child, f"{path} {name}", context)

    return page("Command line", COMMANDS, *walk(calve, "calve", None))


def names() -> str:
    """The page of public names."""
    parts: list[Iterable[str]] = []
    for facade in FACADES:
        module = importlib.import_module(facade)
        rows = [[code(name), _about(getattr(module, name))] for name in module.__all__]
        parts += [[f"## `{facade}`", "", first_paragraph(module)], table(["name", "what"], rows)]
    return page("Public names", NAMES, *parts)


def _about(value: Any) -> str:
    about = first_paragraph(value) if callable(value) else ""
    return about or code(re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", str(value)))  # an alias of a type, or a constant


def compatibility() -> str:
    """The page of verdicts, from the corpus that the tests hold the rules against."""
    folder = ROOT / "tests" / "contract" / "lock" / "corpus"
    spec = importlib.util.spec_from_file_location("corpus", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    corpus = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = corpus
    spec.loader.exec_module(corpus)
    parts: list[Iterable[str]] = []
    for title, edits in corpus.GROUPS.items():
        rows = [[e.title, _verdict(e.verdict), code(", ".join(dict.fromkeys(e.rules)))] for e in edits]
        parts += [[f"## {title}"], table(["change", "verdict", "rules"], rows)]
    return page("Changes of a contract", COMPATIBILITY, *parts)


def _verdict(level: str) -> str:
    return "**breaking**" if level == "breaking" else level


def dependencies() -> str:
    """Which third-party modules each room imports, anywhere in its code: a new one shows as a line in review."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        room = found.setdefault("/".join(parts[:-1][:2]) or parts[-1].replace("__init__", "calve"), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                room |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                room.add(node.module.partition(".")[0])
    own = sys.stdlib_module_names | {"calve"}
    rows = {room: sorted(names - own) for room, names in sorted(found.items())}
    width = max(map(len, rows))
    return "".join(f"{room:{width}}  {' '.join(names)}".rstrip() + "\n" for room, names in rows.items())


def benchmarks() -> str:
    """The page of measurements, from what `make bench` wrote last."""
    import json

    parts: list[Iterable[str]] = []
    for path in sorted((ROOT / "bench" / "results").glob("*.json")):
        results = json.loads(path.read_text(encoding="utf-8"))
        when = ", ".join(sorted({f"{r['date']} on {r['machine']}" for r in results}))
        rows = [_measured(r) for r in results]
        parts.append([f"## {path.stem}", "", f"`make bench ARGS={path.stem}`, {when}."])
        parts.append(table(["claim", "measured", "target", "", "beside it"], rows))
    return page("Benchmarks", BENCHMARKS, *parts)


def _measured(result: dict[str, Any]) -> list[str]:
    verdict = ""
    if result["target"]:
        sign, _, limit = result["target"].partition(" ")
        good = result["value"] >= float(limit) if sign == ">=" else result["value"] <= float(limit)
        verdict = "met" if good else "**missed**"
    peers = ", ".join(f"{name} {figure:g}" for name, figure in result["peers"].items())
    return [result["claim"], f"{result['value']:g} {result['unit']}", result["target"], verdict, peers]


def readme() -> str:
    """README.md with the figures of `make bench` in the rows that quote one; its text is nobody's but its writer's."""
    import json

    results = [r for path in (ROOT / "bench" / "results").glob("*.json") for r in json.loads(path.read_text("utf-8"))]
    rows = {measured[0]: f"| {' | '.join(measured[:4])} |" for measured in map(_measured, results)}
    lines = (ROOT / "README.md").read_text(encoding="utf-8").split("\n")
    return "\n".join(rows.get(line.split(" | ")[0].removeprefix("| "), line) for line in lines)


def audit_schema() -> str:
    """The JSON Schema of what `calve audit --json` writes."""
    import json

    from calve.audit.report.document import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "../../README.md": readme,
    "api.md": names,
    "audit.schema.json": audit_schema,
    "benchmarks.md": benchmarks,
    "cli.md": commands,
    "compatibility.md": compatibility,
    "dependencies.txt": dependencies,
    "errors.md": errors,
    "settings.md": settings,
}


def main(arguments: list[str]) -> int:
    """Write or check all pages; returns the exit status."""
    os.environ["NO_COLOR"] = "1"
    status = 0
    for name, make in PAGES.items():
        path = REFERENCE / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = make()
        if new == old:
            continue
        if "--check" in arguments:
            status = 1
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"committed {name}", f"generated {name}", lineterm=""
            )
            print("\n".join(lines))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
            print(f"wrote {path.resolve().relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
