"""What makes the folder of an ejected service a project: README, pyproject.toml, a test, the OpenAPI document."""

from __future__ import annotations

import msgspec

from ..contract.openapi import openapi
from ..core.settings import Settings
from .facts import Facts, identifier, variables
from .text import filled

PINS = {
    "asyncpg": "asyncpg>=0.30",
    "httpx": "httpx>=0.27",
    "msgspec": "msgspec>=0.20",
    "starlette": "starlette>=0.46",
    "uvicorn": "uvicorn[standard]>=0.30",
}
_DATA = """
Schema files are applied in order at start and never edited afterwards; a change is a new file with the next number. A
database that the service had before is taken over as it is: point DATABASE_URL at it. Idempotency keys that were given
before the move are not known afterwards.
"""


def readme(facts: Facts) -> str:
    """The README."""
    names = facts.names
    rows = [f"| {v.name.upper()} | {_shown(v.default)} | {v.what} |" for v in variables(facts)]
    rows += [_setting_row(facts, kind, field) for kind in facts.settings for field in msgspec.structs.fields(kind)]
    parts = [(f"{names.app}/clients/", "the services it calls, over HTTP")] if facts.neighbours else []
    parts += [(top if "." in top else f"{top}/", "the service's own code, and what it imports") for top in facts.tops]
    parts.append((f"{names.support}/", "what every such service needs: HTTP, errors, store, settings"))
    notes = "## To know\n\n" + "\n".join(f"- {note}" for note in facts.notes) + "\n\n" if facts.notes else ""
    return filled(
        "project/README.md",
        service=facts.name,
        title=_title(facts),
        command=f"python -m {names.app}",
        settings="\n".join(rows),
        notes=notes,
        app=names.app,
        data=_DATA if facts.has_store else "",
        tree="".join(f"    {part:<19} {what}\n" for part, what in parts),
    )


def _shown(default: str | None) -> str:
    """A default as the README has it."""
    return "has to be set" if default is None else "" if default == "None" else default.strip('"')


def _setting_row(facts: Facts, kind: type[Settings], field: msgspec.structs.FieldInfo) -> str:
    given = facts.given_to(kind)
    shown = "has to be set" if _is_missing(facts, kind, field) else f"{given.get(field.name, field.default)}"
    return f"| {_variable(facts, field)} | {shown} | of {kind.__name__} |"


def _variable(facts: Facts, field: msgspec.structs.FieldInfo) -> str:
    return f"{identifier(facts.name)}_{field.name}".upper()


def _is_missing(facts: Facts, kind: type[Settings], field: msgspec.structs.FieldInfo) -> bool:
    return field.required and field.name not in facts.given_to(kind)


def pyproject(facts: Facts) -> str:
    """pyproject.toml."""
    needs = ["msgspec", "starlette", "uvicorn"]
    needs += ["httpx"] if facts.neighbours else []
    needs += ["asyncpg"] if facts.has_store and facts.dialect == "postgres" else []
    listed = sorted([*(PINS[name] for name in needs), *facts.libraries])
    packages = [
        facts.names.app,
        facts.names.support,
        *facts.tops,
        *([facts.schema] if facts.schema == "schema" else []),
    ]
    return filled(
        "project/pyproject.toml",
        service=facts.name,
        version=facts.version,
        title=_title(facts).replace('"', "'"),
        app=facts.names.app,
        dependencies="\n".join(f'    "{requirement}",' for requirement in listed),
        packages=", ".join(f'"{package}"' for package in packages),
    )


def test_module(facts: Facts) -> str:
    """A test of the whole service."""
    lines = []
    if facts.has_store:
        if facts.dialect == "postgres":
            lines.append('    if "DATABASE_URL" not in os.environ:')
            lines.append('        pytest.skip("needs a database: set DATABASE_URL")')
        else:
            lines.append('    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/service.db")')
    lines += [
        f'    monkeypatch.setenv("{identifier(n.service).upper()}_URL", "http://127.0.0.1:9")' for n in facts.neighbours
    ]
    for kind in facts.settings:
        for field in msgspec.structs.fields(kind):
            if _is_missing(facts, kind, field):
                lines.append(f'    monkeypatch.setenv("{_variable(facts, field)}", "1")')
    text = filled(
        "project/test_service.py",
        app=facts.names.app,
        support=facts.names.support,
        environment="\n".join(lines),
    )
    return text if "os.environ" in text else text.replace("import os\n", "")


def document(facts: Facts) -> bytes:
    """openapi.json."""
    pair = (facts.name, facts.loaded.contract)
    made = openapi([pair], title=facts.name, version=facts.version)
    return msgspec.json.format(msgspec.json.encode(made)) + b"\n"


def _title(facts: Facts) -> str:
    return (facts.loaded.contract.doc or f"The service {facts.name}.").splitlines()[0]
