"""Contracts as one OpenAPI 3.1 document.

It promises exactly what the REST edge does: parameters where `bind` puts them, a problem document (RFC 9457) for every
declared error with the error's own fields, the limits and headers that the edge enforces. Operations without an HTTP
rule are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..core.errors import CALL_ERRORS
from .binding import Binding, Param, bind
from .errors import DomainError
from .operation import ContractInfo, Operation
from .problems import PROBLEM_JSON, domain_error_type
from .schema import Schema, Schemas, json_value

_REF = "#/components/schemas/"

_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Names this command, so that repeating the request has no further effect: the same request under the same key"
        " gets the first answer, with `Idempotency-Replayed: true`."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]{1,255}$"},
}

_REPEATED: Schema = {
    "Idempotency-Replayed": {
        "description": "`true` when the command ran before under the same key, and this is the answer of then.",
        "schema": {"const": "true"},
    }
}
_RETRY: Schema = {"Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "string"}}}

_FIELD: Schema = {"type": "string", "description": "Path into the arguments, such as `$.items[0].qty`."}

_PROBLEM: Schema = {
    "title": "Problem",
    "description": "A request that was not answered as wished (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable identifier; compare this one."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": f"One of {', '.join(CALL_ERRORS)}, or the name of a domain error."},
        "field": _FIELD,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": _FIELD,
                    "in": {"enum": ["path", "query", "body", "header", "arguments"]},
                    "detail": {"type": "string"},
                },
                "required": ["field", "in", "detail"],
            },
        },
        "may_have_run": {"type": "boolean", "description": "False only when the operation certainly did not start."},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "trace_id": {"type": "string", "description": "Look for this in the logs."},
    },
    "required": ["type", "title", "status", "code"],
}

_TITLES = {
    400: "The request does not fit the operation",
    401: "A principal is needed",
    403: "The principal may not do this",
    404: "Not found",
    409: "The command is running under the same idempotency key",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The idempotency key was given to another request",
}


def openapi(
    contracts: Sequence[tuple[str, ContractInfo]],
    *,
    title: str,
    version: str,
    description: str = "",
    servers: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe the REST face of some services.

    Args:
        contracts: Pairs of service name (`wallet`) and contract.
        title: Name of the application.
        version: Its version.
        description: Markdown.
        servers: Base URLs; none means the origin the document came from.
    Returns: plain dicts and lists that `json.dumps` takes.
    """
    schemas = Schemas(_REF)
    schemas.add("Problem", _PROBLEM)
    paths: dict[str, dict[str, Any]] = {}
    for service, info in contracts:
        for operation in info.operations.values():
            if operation.http is not None:
                item = paths.setdefault(operation.http.path, {})
                item[operation.http.method.lower()] = _operation(schemas, service, operation)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version} | ({"description": description} if description else {}),
        "servers": [{"url": url} for url in servers] or [{"url": "/"}],
        "tags": [_tag(service, info) for service, info in contracts if any(o.http for o in info.operations.values())],
        "paths": paths,
        "components": {"schemas": schemas.components, "parameters": {"IdempotencyKey": _KEY}},
    }
    if any(operation.role for _, info in contracts for operation in info.operations.values() if operation.http):
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return document


def _tag(service: str, info: ContractInfo) -> dict[str, str]:
    doc = f"{info.doc}\n\n" if info.doc else ""
    return {"name": service, "description": f"{doc}Contract {info.name} {info.version}"}


def _operation(schemas: Schemas, service: str, operation: Operation) -> Schema:
    binding = bind(operation)
    summary, _, rest = operation.doc.partition("\n")
    parameters: list[Schema] = [_parameter(schemas, p, "path") for p in binding.path]
    parameters += [_parameter(schemas, p, "query") for p in binding.query]
    if operation.deduplicated:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    described: Schema = {"operationId": f"{service}.{operation.name}", "tags": [service]}
    if summary:
        described["summary"] = summary
    if rest.strip():
        described["description"] = rest.strip()
    if parameters:
        described["parameters"] = parameters
    if binding.body is not None:
        described["requestBody"] = {
            "required": binding.body_required,
            "content": {"application/json": {"schema": schemas.of(binding.body)}},
        }
    described["responses"] = _answers(schemas, operation, binding) | _problems(schemas, service, operation, binding)
    if operation.role is not None:
        described["security"] = [{"bearer": []}]
        described["x-role"] = operation.role
    return described


def _parameter(schemas: Schemas, param: Param, where: str) -> Schema:
    schema = schemas.of(param.kind)
    if where == "path" and schema.get("type") == "string" and not {"format", "pattern", "minLength"} & schema.keys():
        schema["minLength"] = 1  # an empty segment is another path
    if not param.required and param.default is not msgspec.UNSET and param.default is not None:
        schema = schema | {"default": json_value(param.default)}
    return {"name": param.name, "in": where, "required": param.required, "schema": schema}


def _answers(schemas: Schemas, operation: Operation, binding: Binding) -> Schema:
    assert operation.http is not None
    status = str(operation.http.status)
    if operation.streaming:
        return {status: {"description": "The items, as they come", "content": _streams(schemas, operation)}}
    repeated: Schema = {"headers": _REPEATED} if operation.deduplicated else {}
    if operation.response in (None, type(None)) or status in ("204", "205"):
        return {status: {"description": "Done"} | repeated}
    answer: Schema = {
        "description": "The answer",
        "content": {"application/json": {"schema": schemas.of(operation.response)}},
    } | repeated
    if not binding.versioned:
        return {status: answer}
    tag = {"ETag": {"description": 'Weak entity tag, W/"<version>"', "schema": {"type": "string"}}}
    return {
        status: answer | {"headers": tag | repeated.get("headers", {})},
        "304": {"description": "Not changed since `If-None-Match`", "headers": tag},
    }


def _streams(schemas: Schemas, operation: Operation) -> Schema:
    """Both forms of a stream. The schema is that of one event or line; OpenAPI 3.1 has no word for the whole."""
    item, problem = schemas.of(operation.response), {"$ref": f"{_REF}Problem"}
    event: Schema = {
        "description": "An item; the last event is `end`, or `error` with a problem.",
        "anyOf": [_event("message", item), _event("end", {"type": "object"}), _event("error", problem)],
    }
    line: Schema = {
        "description": "An item; the last line is `end`, or `error` with a problem.",
        "anyOf": [_member("item", item), _member("end", {"const": True}), _member("error", problem)],
    }
    return {
        "text/event-stream": {"schema": event, "x-item": item},
        "application/x-ndjson": {"schema": line, "x-item": item},
    }


def _event(name: str, data: Schema) -> Schema:
    content = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    return {"type": "object", "properties": {"event": {"const": name}, "data": content}, "required": ["data"]}


def _member(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _problems(schemas: Schemas, service: str, operation: Operation, binding: Binding) -> Schema:
    standard = [400]
    standard += [401, 403] if operation.role is not None else []
    standard += [413, 415] if binding.body is not None else []
    standard += [409, 422] if operation.deduplicated else []
    by_status: dict[int, list[Schema]] = {status: [] for status in standard}
    for error in operation.raises:
        by_status.setdefault(error.status, []).append(_domain_problem(schemas, service, error))
    problem = {"$ref": f"{_REF}Problem"}
    responses: dict[str, Schema] = {}
    for status, refs in sorted(by_status.items()):
        options = refs + ([problem] if status in standard or status == 404 else [])
        titles = [_TITLES[status]] if status in standard else []
        titles += [error.title() for error in operation.raises if error.status == status]
        responses[str(status)] = _problem_response("; or ".join(titles), options)
        if status == 409 and operation.deduplicated:
            responses["409"]["headers"] = _RETRY
    return responses | {"default": _problem_response("Any other failure", [problem])}


def _problem_response(description: str, options: Iterable[Schema]) -> Schema:
    schemas = list(options)
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


def _domain_problem(schemas: Schemas, service: str, error: type[DomainError]) -> Schema:
    name = f"{service}.{error.__name__}"
    if name not in schemas.components:
        fields = error.fields_type()
        described = {f.encode_name: schemas.of(f.type) for f in msgspec.structs.fields(fields)}
        standard = {
            "type": {"const": domain_error_type(service, error)},
            "title": {"type": "string"},
            "status": {"const": error.status},
            "code": {"const": error.__name__},
        }
        schemas.add(
            name,
            {
                "title": error.__name__,
                "description": error.title(),
                "type": "object",
                "properties": standard | described,
            }
            | {"required": [*standard, *described]},
        )
    return {"$ref": f"{_REF}{name}"}
