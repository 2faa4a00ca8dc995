"""Contracts for those who do not use Calve: other formats and other languages.

    asyncapi.py      events, as AsyncAPI 3                     all services in one document
    proto.py         proto3, with numbers that stay put        a file per contract
    typescript.py    types and a client with fetch             a file per contract
    python.py        dataclasses and a client with httpx       a file per contract

OpenAPI and JSON Schema are in contract/openapi.py and contract/schema.py.
"""

from .asyncapi import asyncapi
from .proto import proto
from .python import python
from .typescript import typescript

__all__ = ["asyncapi", "proto", "python", "typescript"]
