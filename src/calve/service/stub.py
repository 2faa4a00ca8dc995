"""Stubs: what `self.wallet` is when somebody asks for a `Wallet`.

A stub has the methods of the contract. Each binds its arguments to the operation's request, makes the context of the
call out of the caller's, and hands both to an endpoint: of the chain when the service is hosted in this process, of
the wire when it is not. Which of both is decided once, when the unit is built.

    hosted here     request and answer go through the codec, so that nothing can depend on shared memory: what arrives
                    is what would arrive over a wire, and a split changes nothing
    elsewhere       the wire encodes and decodes them anyway
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from ..contract import ContractInfo, Endpoint, Operation
from ..core.context import CallContext, _current
from ..core.errors import CallError, InternalError, InvalidArgument
from ..store import running_attempt


def make_stub(
    info: ContractInfo,
    service: str,
    endpoints: Mapping[str, Endpoint],
    *,
    hosted: bool,
    message_bytes_max: int = sys.maxsize,
    caller: str = "",
) -> Any:
    """Make the stub of one contract.

    Args:
        info: The contract.
        service: Name of the service that implements it.
        endpoints: One per operation, by name.
        hosted: Whether the endpoints run in this process.
        message_bytes_max: Largest request, answer or item of a hosted service, encoded. The wire has a limit of its
            own; a call that is too large for it must not work until the day its service moves out.
        caller: Service the stub was made for; '' for somebody outside of all services. Calls made within an operation
            are that operation's, whoever's stub it uses.
    Returns: an object with the methods of the contract; typed as the contract by whoever asks for it.
    """
    stub = type(
        f"{info.name}Stub", (info.cls,), {"__init__": lambda self: None, "__repr__": lambda self: f"<{service}>"}
    )()
    for name, operation in info.operations.items():
        if operation.streaming:
            call = _streaming(service, operation, endpoints[name], hosted, message_bytes_max, caller)
        elif hosted:
            call = _hosted_unary(service, operation, endpoints[name], message_bytes_max, caller)
        else:
            call = _remote_unary(service, operation, endpoints[name], caller)
        setattr(stub, name, call)
    return stub


def _hosted_unary(
    service: str, operation: Operation, endpoint: Endpoint, bytes_max: int, caller: str
) -> Callable[..., Any]:
    name, request_type, handle = f"{service}.{operation.name}", operation.request, endpoint.handle
    copy_request, copy_response = operation.request_codec.copy, operation.response_codec.copy
    is_command, get_current = operation.kind == "command", _current.get

    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            request = copy_request(request_type(*args, **kwargs), bytes_max)
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        except InvalidArgument as error:
            error.operation = name
            raise
        outer = get_current()  # _child, written out: this is the path whose price is measured
        if outer is None:
            context = CallContext(name)
            context.caller = caller
        else:
            key = None
            if is_command:
                key = outer.next_key
                if (attempt := running_attempt()) is not None:
                    attempt.had_effect()
            context = CallContext(name, outer.deadline, outer.principal, outer.given_trace, key)
            context.caller = outer.operation or caller
        try:
            answer = await handle(context, request)
        except CallError as error:
            error.operation = name
            raise
        try:
            return copy_response(answer, bytes_max)
        except InvalidArgument as error:
            raise _bad_answer(name, error) from error

    return call


def _remote_unary(service: str, operation: Operation, endpoint: Endpoint, caller: str) -> Callable[..., Any]:
    name, request_type, handle = f"{service}.{operation.name}", operation.request, endpoint.handle

    async def call(*args: Any, **kwargs: Any) -> Any:
        context = _child(name, operation, caller)
        return await handle(context, _bind(name, request_type, args, kwargs))

    return call


def _streaming(
    service: str, operation: Operation, endpoint: Endpoint, hosted: bool, bytes_max: int, caller: str
) -> Callable[..., Any]:
    name, request_type, stream = f"{service}.{operation.name}", operation.request, endpoint.stream
    copy_request, copy_item = operation.request_codec.copy, operation.response_codec.copy
    assert stream is not None

    async def items(request: Any) -> AsyncIterator[Any]:
        try:
            context = _child(name, operation, caller)
            iterator = stream(context, copy_request(request, bytes_max) if hosted else request)
            try:
                async for item in iterator:
                    try:
                        copied = copy_item(item, bytes_max) if hosted else item
                    except InvalidArgument as error:
                        raise _bad_answer(name, error) from error
                    yield copied
            finally:
                await iterator.aclose()  # type: ignore[attr-defined]
        except CallError as error:
            error.operation = name
            raise

    return lambda *args, **kwargs: items(_bind(name, request_type, args, kwargs))


def _bind(name: str, request: type[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return request(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None


def _child(name: str, operation: Operation, caller: str) -> CallContext:
    """The context of a call made from here: the caller's deadline, principal and trace go on with it."""
    outer = _current.get()
    if outer is None:
        context = CallContext(name)
        context.caller = caller
        return context
    key = None
    if operation.kind == "command":
        key = outer.next_key
        if (attempt := running_attempt()) is not None:
            attempt.had_effect()
    context = CallContext(name, outer.deadline, outer.principal, outer.given_trace, key)
    context.caller = outer.operation or caller
    return context


def _bad_answer(name: str, error: InvalidArgument) -> InternalError:
    failure = InternalError(f"{name} answered with something its contract does not allow: {error}")
    failure.operation = name
    return failure
