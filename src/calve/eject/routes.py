"""The routes of an ejected service: a handler per operation, with what it takes and answers written out.

    @operation(Balance, raises=(UnknownWallet,), keyed=True)
    async def deposit(self, request: Request) -> Balance:
        params = read_params(request, DepositParams)
        body = await read_body(request, DepositBody)
        return await self._service.deposit(params.owner, body.cents, body.reference)

Operations that Calve does not show on REST are for other services: `POST /internal/<operation>`, with a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ..contract import ContractInfo
from ..contract.base import DEFAULT_STREAM_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS
from ..contract.binding import Binding, bind
from .base import Package
from .signatures import Imports, Parameter, Signature
from .text import docstring, laid_out, tuple_of

INTERNAL = "/internal"
_TAKEN = frozenset({"keys", "routes", "service", "token"})


def internal_path(operation: str) -> str:
    """Where an operation is that has no path of its own."""
    return f"{INTERNAL}/{operation}"


def routes_module(
    service: str,
    info: ContractInfo,
    signed: list[Signature],
    implementation: type[Any],
    imports: Imports,
    names: Package,
) -> str:
    """The source of `routes.py`."""
    support = names.support
    writer = _Writer(support, imports)
    handlers = ["\n".join(writer.handler(signature)) for signature in signed]
    imports.add("starlette.requests", "Request")
    imports.add("starlette.routing", "Route")
    imports.add(f"{support}.operations", "Resource")
    imports.add(f"{support}.operations", "resource")
    imports.add(f"{support}.keys", "Keys")
    kind = imports.need_class(implementation)
    parts = [
        f'"""{info.name} {info.version} over HTTP: what each operation takes, calls and answers."""',
        f"from __future__ import annotations\n\n{imports.text()}",
        *writer.classes,
        "\n".join(
            [
                "class Routes(Resource):",
                f'    """The operations of {service}."""',
                "",
                f'    service = "{service}"',
                "",
                f"    def __init__(self, service: {kind}, keys: Keys, token: str | None) -> None:",
                "        super().__init__(keys, token)",
                "        self._service = service",
                "",
                "    def routes(self) -> list[Route]:",
                '        """Paths without parameters come before those that would take them for one."""',
                "        return [",
                *(f"            {line}," for line in _resources(signed)),
                "        ]",
            ]
        )
        + "\n\n"
        + "\n\n".join(handlers),
    ]
    return parts[0] + "\n\n" + "\n\n\n".join(parts[1:]) + "\n"


def handler_name(operation: str) -> str:
    """What the method of an operation is called."""
    return f"{operation}_" if operation in _TAKEN else operation


def _resources(signed: list[Signature]) -> list[str]:
    by_path: dict[str, list[str]] = {}
    for signature in signed:
        operation = signature.operation
        rule = operation.http
        method, path = ("post", internal_path(operation.name)) if rule is None else (rule.method.lower(), rule.path)
        by_path.setdefault(unquote(path), []).append(f"{method}=self.{handler_name(operation.name)}")
    order = sorted(by_path, key=lambda path: [(part.startswith("{"), part) for part in path.split("/")])
    return [laid_out("resource(", [f'"{path}"', *sorted(by_path[path])], ")", "            ").strip() for path in order]


class _Writer:
    def __init__(self, support: str, imports: Imports) -> None:
        self._support, self._imports = support, imports
        self.classes: list[str] = []
        """What is read from requests."""

    def handler(self, signature: Signature) -> Iterator[str]:
        operation = signature.operation
        binding = None if operation.http is None else bind(operation)
        yield laid_out(
            f"@{'stream' if operation.streaming else 'operation'}(", self._marks(signature, binding), ")", "    "
        )
        answer = f"AsyncIterator[{signature.answer}]" if operation.streaming else signature.answer
        self._imports.add(f"{self._support}.operations", "stream" if operation.streaming else "operation")
        if operation.streaming:
            self._imports.add("collections.abc", "AsyncIterator")
        yield f"    async def {handler_name(operation.name)}(self, request: Request) -> {answer}:"
        yield docstring(signature.doc or f"{operation.name}.", "        ")
        values: dict[str, str] = {}
        yield from self._params(signature, binding, values)
        yield from self._body(signature, binding, values)
        arguments = [p.passed(values[p.name]) for p in signature.parameters]
        start = "return " if operation.streaming else "return await "
        if answer == "None":
            start = "await "
        yield laid_out(f"{start}self._service.{operation.name}(", arguments, ")", "        ")

    def _marks(self, signature: Signature, binding: Binding | None) -> list[str]:
        operation = signature.operation
        marks = [signature.answer]
        status = operation.http.status if operation.http is not None else 204 if signature.answer == "None" else 200
        if status != 200:
            marks.append(f"status={status}")
        if signature.raises:
            marks.append(f"raises={tuple_of(signature.raises)}")
        usual = DEFAULT_STREAM_TIMEOUT_SECONDS if operation.streaming else DEFAULT_TIMEOUT_SECONDS
        if operation.timeout_seconds != usual:
            marks.append(f"timeout_seconds={operation.timeout_seconds!r}")
        if operation.deduplicated and operation.kind == "command":
            marks.append("keyed=True")
        if binding is not None and binding.versioned:
            marks.append("etag=True")
        if binding is None:
            marks.append("internal=True")
        return marks

    def _params(self, signature: Signature, binding: Binding | None, values: dict[str, str]) -> Iterator[str]:
        named = [p.name for p in (*binding.path, *binding.query)] if binding is not None else []
        self._imports.add(f"{self._support}.arguments", "read_params")
        if not named:
            yield "        read_params(request, Message)  # takes none"
            self._imports.add(self._support, "Message")
            return
        kind = self._class(signature, named, "Params", "what stands in its path and query string")
        values |= {name: f"params.{name}" for name in named}
        yield f"        params = read_params(request, {kind})"

    def _body(self, signature: Signature, binding: Binding | None, values: dict[str, str]) -> Iterator[str]:
        rest = [p.name for p in signature.parameters if p.name not in values]
        if not rest:
            return
        self._imports.add(f"{self._support}.arguments", "read_body")
        by_name = {p.name: p for p in signature.parameters}
        if binding is not None and binding.body_param is not None:
            parameter = by_name[binding.body_param]
            values[parameter.name] = "body"
            empty = "" if parameter.default is None else f", {parameter.default}"
            yield f"        body = await read_body(request, {parameter.annotation}{empty})"
            return
        kind = self._class(signature, rest, "Body", "its body")
        values |= {name: f"body.{name}" for name in rest}
        empty = "" if any(by_name[name].default is None for name in rest) else f", {kind}()"
        yield f"        body = await read_body(request, {kind}{empty})"

    def _class(self, signature: Signature, names: list[str], suffix: str, what: str) -> str:
        kind = "".join(part.capitalize() for part in signature.operation.name.split("_")) + suffix
        while kind in self._imports.names():
            kind += "_"
        self._imports.add(self._support, "Message")
        by_name: dict[str, Parameter] = {p.name: p for p in signature.parameters}
        fields = [f"    {by_name[name].shown()}" for name in names]
        doc = f'    """Of {signature.operation.name}: {what}."""'
        self.classes.append("\n".join([f"class {kind}(Message):", doc, "", *fields]))
        return kind
