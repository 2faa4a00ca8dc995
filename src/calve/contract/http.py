"""HTTP bindings: `"POST /wallets/{owner}/debits"` taken apart.

Where the parameters of an operation go, decided once for the REST edge, the OpenAPI document and `calve eject` alike:

    named in the path                          path
    otherwise, GET / DELETE                    query string (scalars, and sequences of scalars repeated)
    otherwise, exactly one message             the body *is* the message
    otherwise                                  the body is an object with one member per parameter
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from .errors import ContractError

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_RULE = re.compile(r"(?P<method>GET|POST|PUT|PATCH|DELETE) (?P<path>/\S*)")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@%-]+|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})")


class HttpRule(msgspec.Struct, frozen=True):
    """How one operation appears on REST."""

    method: Method
    path: str
    """Template; a segment is literal text or `{parameter}`."""
    path_params: tuple[str, ...]
    status: int
    """Status of a good answer; 204 when the operation returns None."""


def parse_rule(rule: str, *, kind: Literal["command", "query"], status: int, where: str) -> HttpRule:
    """Parse `"METHOD /path/{param}"`.

    Raises: ContractError: not of that form, a parameter twice, or a query that is not a GET.
    """
    match = _RULE.fullmatch(rule)
    if match is None:
        raise ContractError(
            f"http={rule!r} is not 'METHOD /path'", where=where, fix="write for example 'GET /wallets/{owner}'"
        )
    params: list[str] = []
    for segment in match["path"].strip("/").split("/") if match["path"] != "/" else []:
        part = _SEGMENT.fullmatch(segment)
        if part is None:
            raise ContractError(
                f"path segment {segment!r} in http={rule!r} is neither literal text nor one {{parameter}}", where=where
            )
        if part["name"]:
            params.append(part["name"])
    if len(set(params)) != len(params):
        raise ContractError(f"http={rule!r} names a parameter twice", where=where)
    method: Method = match["method"]  # type: ignore[assignment]
    if kind == "query" and method != "GET":
        raise ContractError(
            f"a query is safe, hence GET, but http={rule!r}", where=where, fix="use GET or make it a @command"
        )
    if kind == "command" and method == "GET":
        raise ContractError(
            f"a command changes state, but http={rule!r}", where=where, fix="use POST, PUT, PATCH or DELETE"
        )
    return HttpRule(method, match["path"], tuple(params), status)
