"""`calve call wallet.balance owner=…`: one call to the running application, over the wire, from a terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import CalveError, ConfigError
from .options import config_option

if TYPE_CHECKING:
    from ..contract import Operation
    from ..core.context import CallContext
    from ..runtime import AppConfig


@click.command("call")
@config_option
@click.argument("operation", metavar="SERVICE.OPERATION")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--json", "document", metavar="TEXT", help="All arguments as one JSON object; - reads it from standard input."
)
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds; default: the operation's.",
)
@click.option("--key", metavar="TEXT", help="Idempotency key of a command; made up when not given.")
@click.option("--as", "subject", metavar="NAME", help="Principal to call as.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Role of that principal; may be repeated.")
@click.option(
    "--endpoints", type=click.Path(path_type=Path), help="File with the units' addresses; default: of `calve run` here."
)
def command(
    config: Path | None,
    operation: str,
    arguments: tuple[str, ...],
    document: str | None,
    timeout_seconds: float | None,
    key: str | None,
    subject: str | None,
    roles: tuple[str, ...],
    endpoints: Path | None,
) -> None:
    """Call an operation of the running application.

    VALUE is text, a number, or JSON where the parameter has parts. The answer is printed as JSON, a stream as one line
    per item.
    """
    from ..core.context import CallContext, Principal
    from .project import load_project
    from .reach import addresses_of, describe_error

    project = load_project(config)
    service, found = _find(project, operation)
    request = _request(found, operation, arguments, sys.stdin.read() if document == "-" else document)
    principal = Principal(subject, frozenset(roles)) if subject else None
    context = CallContext(operation, principal=principal, key=key)
    addresses = addresses_of(project, service, endpoints)
    try:
        asyncio.run(_call(project, addresses, found, request, context, timeout_seconds or found.timeout_seconds))
    except CalveError as error:
        if isinstance(error, ConfigError):
            raise
        raise click.ClickException(describe_error(operation, error)) from error


def _find(project: AppConfig, name: str) -> tuple[str, Operation]:
    from ..core.suggest import did_you_mean
    from .project import load_contracts

    service, _, operation = name.partition(".")
    operations = load_contracts(project, service)[0][1].operations
    if operation not in operations:
        what = f"no operation {operation!r}" if operation else "no operation is named"
        raise ConfigError(f"{service}: {what}; {did_you_mean(operation, operations)}")
    return service, operations[operation]


def _request(operation: Operation, name: str, arguments: Sequence[str], document: str | None) -> Any:
    import msgspec

    from ..core.errors import InvalidArgument

    values: dict[str, Any] = {}
    try:
        if document is not None:
            values = msgspec.json.decode(document, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigError(f"not a JSON object: {error}", where="--json") from error
    kinds = {f.name: f.type for f in msgspec.structs.fields(operation.request)}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals:
            raise ConfigError(
                f"argument {argument!r} is not NAME=VALUE", fix=f"parameters are: {', '.join(kinds) or 'none'}"
            )
        values[key] = _value(text, kinds.get(key, str))
    unknown = [key for key in values if key not in kinds]
    if unknown:
        from ..core.suggest import did_you_mean

        raise ConfigError(f"{name} has no parameter {unknown[0]!r}; {did_you_mean(unknown[0], kinds)}")
    try:
        return operation.request_codec.convert(values, strict=False)
    except InvalidArgument as error:
        raise ConfigError(f"{name}: {error}", fix="see `calve contract show`") from error


def _value(text: str, kind: Any) -> Any:
    """Text as it is where the type can be read from text, else as JSON."""
    import msgspec

    from ..core.codec import Codec
    from ..core.errors import InvalidArgument

    try:
        Codec(kind).convert(text, strict=False)
    except InvalidArgument:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


async def _call(
    project: AppConfig,
    addresses: Mapping[str, Sequence[str]],
    operation: Operation,
    request: Any,
    context: CallContext,
    timeout_seconds: float,
) -> None:
    import msgspec

    from .reach import connected

    async with connected(project, addresses) as (client, now):
        context.deadline = now() + timeout_seconds
        (service,) = addresses
        if operation.streaming:
            async for item in client.stream(service, operation, request, context):
                click.echo(operation.response_codec.encode_json(item))
        else:
            answer = operation.response_codec.encode_json(await client.call(service, operation, request, context))
            click.echo(msgspec.json.format(answer, indent=2))
