"""The /docs page: an OpenAPI document as one HTML page that works without a network and reads without JavaScript.

The page, its style and its script are in templates/; this module fills them. Everything from the document is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib import resources
from string import Template
from typing import Any, NamedTuple

Schema = dict[str, Any]

REFERENCES_MAX = 20
"""A reference that leads to more of them than this leads nowhere; adopted applications bring documents of their own."""

_SAMPLES = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2030-01-01T12:00:00Z",
    "date": "2030-01-01",
    "time": "12:00:00Z",
}


class DocsPage(NamedTuple):
    """A rendered page, and what its content security policy has to allow."""

    html: bytes
    style_hash: str
    script_hash: str


def render(document: dict[str, Any]) -> DocsPage:
    """Render the page of an OpenAPI document made by `openapi`."""
    style, script = _template("docs.css"), _template("docs.js")
    info, schemas = document["info"], document["components"]["schemas"]
    operations = [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    sections = []
    for tag in document["tags"]:
        shown = [_operation(document, *o) for o in operations if tag["name"] in o[2]["tags"]]
        heading = f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2>{_text(tag["description"])}'
        sections.append(f"<section>{heading}{''.join(shown)}</section>")
    html = Template(_template("docs.html")).substitute(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=_text(info.get("description", "")),
        navigation="".join(f'<a href="#{escape(t["name"])}">{escape(t["name"])}</a> ' for t in document["tags"]),
        sections="".join(sections),
        schemas="".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
        style=style,
        script=script,
    )
    return DocsPage(html.encode("utf-8"), _hash(style), _hash(script))


def _operation(document: dict[str, Any], path: str, method: str, operation: Schema) -> str:
    parameters = [_resolved(document, p) for p in operation.get("parameters", [])]
    wanted = _resolved(document, operation.get("requestBody", {}))
    body = wanted.get("content", {}).get("application/json", {}).get("schema")
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}{', required' if p.get('required') else ''}"
        f"<td>{_type(p.get('schema', {}))}<td>{escape(p.get('description', ''))}"
        for p in parameters
    )
    if body is not None:
        rows += f"<tr><td>body<td>JSON<td>{_type(body)}<td>"
    answers = "".join(
        f"<tr><td>{escape(status)}<td>{escape(answer.get('description', ''))}<td>{_content(answer)}"
        for status, answer in ((s, _resolved(document, a)) for s, a in operation["responses"].items())
    )
    name = escape(operation["operationId"])
    return (
        f'<details id="{name}"><summary><b class="{method}">{method.upper()}</b> <code>{escape(path)}</code> '
        f"<span>{escape(operation.get('summary', name))}</span></summary>{_text(operation.get('description', ''))}"
        + (f"<p>Needs the role <code>{escape(operation['x-role'])}</code>.</p>" if "x-role" in operation else "")
        + (f"<table><caption>Request</caption>{rows}</table>" if rows else "")
        + f"<table><caption>Answers</caption>{answers}</table>"
        + f"{_form(document, path, method, parameters, body)}</details>"
    )


def _form(document: dict[str, Any], path: str, method: str, parameters: list[Schema], body: Schema | None) -> str:
    """The form that tries the operation; hidden until the script shows it."""
    inputs = "".join(
        f'<label>{escape(p["name"])} <input data-in="{escape(p["in"])}" name="{escape(p["name"])}"></label>'
        for p in parameters
    )
    if body is not None:
        sample = json.dumps(_sample(document, body, 0), indent=2)
        inputs += f'<label>body <textarea rows="6">{escape(sample)}</textarea></label>'
    return (
        f'<form hidden data-method="{method.upper()}" data-path="{escape(path)}">{inputs}'
        '<button>Try it</button> <button type="button" disabled>Stop</button><pre></pre></form>'
    )


def _schema(name: str, schema: Schema) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code><td>{'required' if field in required else ''}"
        f"<td>{_type(of)}<td>{escape(of.get('description', '') if isinstance(of, dict) else '')}"
        for field, of in schema.get("properties", {}).items()
    )
    shown = f"<table>{rows}</table>" if rows else f"<p>{_type(schema)}</p>"
    return f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{_text(schema.get("description", ""))}{shown}'


def _content(answer: Schema) -> str:
    return "<br>".join(
        f"{_type(media['x-item'])}, streamed as {escape(kind)}" if "x-item" in media else _type(media.get("schema", {}))
        for kind, media in answer.get("content", {}).items()
    )


def _type(schema: Schema) -> str:
    """A type in words, with links to named ones."""
    if isinstance(schema, bool):
        return "anything" if schema else "nothing"
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for word, joined in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if word in schema:
            return joined.join(_type(option) for option in schema[word])
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_type(schema['items'])}"
    shown = escape(str(schema.get("format") or (kind if isinstance(kind, str) else " or ".join(kind))))
    bounds = [(">=", "minimum"), (">", "exclusiveMinimum"), ("<=", "maximum"), ("<", "exclusiveMaximum")]
    # The 64-bit bounds that every integer has would only hide those that somebody meant.
    limits = [f"{sign} {schema[key]:g}" for sign, key in bounds if key in schema and abs(schema[key]) < 2**63]
    default = f", default <code>{escape(json.dumps(schema['default']))}</code>" if "default" in schema else ""
    return escape(" ".join([shown, *limits])) + default


def _sample(document: dict[str, Any], schema: Schema, depth: int) -> Any:
    """A value to start from."""
    schema = _resolved(document, schema) if isinstance(schema, dict) else {}
    if "default" in schema or "examples" in schema:
        return schema["default"] if "default" in schema else schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word) and depth < 8:
            return _sample(document, schema[word][0], depth + 1)
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", []) if depth < 4 else []
            fields = schema.get("properties", {})
            return {name: _sample(document, fields.get(name, {}), depth + 1) for name in wanted}
        case "array":
            items = schema.get("prefixItems") or ([schema["items"]] if schema.get("items") and depth < 4 else [])
            return [_sample(document, item, depth + 1) for item in items]
        case "string":
            return _SAMPLES.get(schema.get("format", ""), "")
        case "integer" | "number":
            return max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
    return None


def _resolved(document: dict[str, Any], schema: Schema) -> Schema:
    for _ in range(REFERENCES_MAX):
        if "$ref" not in schema:
            return schema
        _, *path = schema["$ref"].split("/")
        found: Any = document
        for step in path:
            found = found[step]
        schema = found
    return {}


def _text(markdown: str) -> str:
    return f'<p class="text">{escape(markdown)}</p>' if markdown else ""


def _template(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
