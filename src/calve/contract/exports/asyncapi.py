"""The events that services publish, as one AsyncAPI 3.0 document.

An event is a channel of its own: `wallet.wallet_debited.v1` is what the service `wallet` publishes as `WalletDebited`
under major version 1 of its contract. How it travels is up to the messaging of the installation, so there are no
servers and no bindings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..message import Event
from ..operation import ContractInfo
from ..schema import Schemas
from .words import snake

_REF = "#/components/schemas/"


def asyncapi(contracts: Sequence[tuple[str, ContractInfo]], *, title: str, version: str) -> dict[str, Any]:
    """Describe what some services publish.

    Args:
        contracts: Pairs of service name and contract.
        title, version: Of the application.
    Returns: plain dicts and lists that `json.dumps` takes.
    """
    schemas = Schemas(_REF)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for service, info in contracts:
        for event in info.publishes:
            name, address = f"{service}.{event.__name__}", event_address(service, event, info)
            messages[name] = _message(schemas, event)
            channels[name] = {
                "address": address,
                "title": event.__name__,
                "messages": {event.__name__: {"$ref": f"#/components/messages/{name}"}},
            }
            operations[f"{service}.publish{event.__name__}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{event.__name__}"}],
                "tags": [{"name": service}],
            }
    components = {"messages": messages, "schemas": _plain(schemas.components)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {name: content for name, content in components.items() if content},
    }


def event_address(service: str, event: type[Event], info: ContractInfo) -> str:
    """Where an event is published: `wallet.wallet_debited.v1`."""
    return f"{service}.{snake(event.__name__)}.v{info.version.major}"


def _plain(schema: Any) -> Any:
    """Without `discriminator`, which OpenAPI and AsyncAPI write differently; the tags themselves are constants."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "discriminator" or "propertyName" not in value}
    return {key: _plain(value) for key, value in kept.items()}


def _message(schemas: Schemas, event: type[Event]) -> dict[str, Any]:
    payload = schemas.of(event)
    described = schemas.components[payload["$ref"].removeprefix(_REF)].get("description")
    summary = {"summary": described.partition("\n")[0]} if described else {}
    schema = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": payload}
    return {"name": event.__name__, "title": event.__name__, **summary, "payload": schema}
