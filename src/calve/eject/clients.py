"""Clients of the services that an ejected service calls: a class per contract, a method per operation, over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..contract import ContractInfo
from ..contract.base import DEFAULT_STREAM_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS
from ..contract.binding import bind
from .routes import internal_path
from .signatures import Imports, Parameter, Signature
from .text import docstring, laid_out, tuple_of


def client_name(info: ContractInfo) -> str:
    """What the class is called."""
    return f"{info.name}Client"


def client_module(service: str, info: ContractInfo, signed: list[Signature], imports: Imports, support: str) -> str:
    """The source of one client."""
    imports.add(f"{support}.calls", "Peer")
    contract = imports.need_class(info.cls)
    methods = ["\n".join(_method(signature, imports)) for signature in signed]
    head = f'"""{contract} over HTTP, as {service} serves it."""'
    body = "\n".join(
        [
            f"class {client_name(info)}({contract}):",
            f'    """Calls {service}; made with its address."""',
            "",
            "    def __init__(self, peer: Peer) -> None:",
            "        self._peer = peer",
        ]
    )
    return (
        f"{head}\n\nfrom __future__ import annotations\n\n{imports.text()}\n\n\n" + "\n\n".join([body, *methods]) + "\n"
    )


def _method(signature: Signature, imports: Imports) -> Iterator[str]:
    operation = signature.operation
    plain = [p.shown() for p in signature.parameters if not p.keyword]
    keywords = [p.shown() for p in signature.parameters if p.keyword]
    parameters = ["self", *plain, *(["*", *keywords] if keywords else [])]
    answer = f"AsyncIterator[{signature.answer}]" if operation.streaming else signature.answer
    prefix = "" if operation.streaming else "async "
    if operation.streaming:
        imports.add("collections.abc", "AsyncIterator")
    yield laid_out(f"{prefix}def {operation.name}(", parameters, f") -> {answer}:", "    ")
    yield docstring(signature.doc or f"{operation.name}.", "        ")
    arguments = [*_place(signature)]
    if signature.raises:
        arguments.append(f"raises={tuple_of(signature.raises)}")
    usual = DEFAULT_STREAM_TIMEOUT_SECONDS if operation.streaming else DEFAULT_TIMEOUT_SECONDS
    if operation.timeout_seconds != usual:
        arguments.append(f"timeout_seconds={operation.timeout_seconds!r}")
    if operation.kind == "command":
        arguments.append("command=True")
    if operation.streaming:
        yield laid_out("return self._peer.stream(", arguments, ")", "        ")
    elif signature.answer == "None":
        yield laid_out("await self._peer.call(", arguments, ")", "        ")
    else:
        yield laid_out(f"answer: {answer} = await self._peer.call(", arguments, ")", "        ")
        yield "        return answer"


def _place(signature: Signature) -> Iterator[str]:
    """Method, path, type of the answer, and where the other parameters go."""
    operation = signature.operation
    by_name = {p.name: p for p in signature.parameters}
    if operation.http is None:
        yield from ('"POST"', f'"{internal_path(operation.name)}"', signature.answer)
        if by_name:
            yield f"body={_record(by_name.values())}"
        return
    binding = bind(operation)
    path = operation.http.path
    for param in binding.path:
        path = path.replace(f"{{{param.name}}}", f"{{self._peer.segment({param.name})}}")
    yield from (f'"{operation.http.method}"', f'{"f" if binding.path else ""}"{path}"', signature.answer)
    if binding.query:
        yield f"query={_record([by_name[p.name] for p in binding.query])}"
    if binding.body_param is not None:
        yield f"body={binding.body_param}"
    elif binding.body is not None:
        in_path = {p.name for p in binding.path}
        yield f"body={_record([p for p in signature.parameters if p.name not in in_path])}"


def _record(parameters: Iterable[Parameter]) -> str:
    return "{" + ", ".join(f'"{p.name}": {p.name}' for p in parameters) + "}"
