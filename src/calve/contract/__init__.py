"""Room 1: what a service promises, and nothing of how it keeps the promise.

    class Wallet(Contract, Protocol, version="1.0")      the class an author writes          base.py
      ├─ @command / @query methods                       what can be called                  base.py
      ├─ Message, Event, DomainError types               what is said                        message.py, errors.py
      └─ describe(Wallet) -> ContractInfo                the same, resolved and checked      operation.py
           ├─ openapi(...), json_schema(...)             for people and other languages      openapi.py
           └─ Endpoint(operation, handle)                for transports                      endpoint.py

A contract module is the only module of a service that others may import.
"""

from .base import Contract, command, query
from .endpoint import Endpoint, Handler, StreamHandler
from .errors import ContractError, DomainError
from .http import HttpRule
from .message import UNSET, Event, Message, Meta, Unset
from .operation import ContractInfo, Operation, Version, describe, is_contract

__all__ = [
    "command",
    "Contract",
    "ContractError",
    "ContractInfo",
    "describe",
    "DomainError",
    "Endpoint",
    "Event",
    "Handler",
    "HttpRule",
    "is_contract",
    "Message",
    "Meta",
    "Operation",
    "query",
    "StreamHandler",
    "UNSET",
    "Unset",
    "Version",
]
