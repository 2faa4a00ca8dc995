"""From method and path to a target: the route table, compiled once.

    "/orders"                 literal paths: one dictionary look-up
    "/wallets/{owner}/debits" the others: a tree, one dictionary per segment, `{…}` as the branch for anything else

A literal segment wins over a parameter, whatever the method. Segments are percent-decoded one by one *after* splitting,
so `%2F` is a slash inside a value and never a separator. A trailing slash makes another path, and an empty segment
matches no parameter.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from ...core.errors import ConfigError

T = TypeVar("T")


class Resource(Generic[T]):
    """Everything one path answers to."""

    __slots__ = ("allow", "methods", "owners")

    def __init__(self) -> None:
        self.methods: dict[str, T] = {}
        self.owners: dict[str, str] = {}
        self.allow = b"OPTIONS"
        """Value of the `Allow` header."""

    def put(self, method: str, target: T, owner: str, path: str) -> None:
        """Claim a method; a GET answers HEAD too."""
        if method in self.owners:
            raise ConfigError(
                f"{method} {path} is claimed by {self.owners[method]} and by {owner}",
                fix="give one of the two another path",
            )
        self.methods[method], self.owners[method] = target, owner
        if method == "GET":
            self.methods["HEAD"] = target
        self.allow = ", ".join(sorted({*self.methods, "OPTIONS"})).encode()


class Match(NamedTuple, Generic[T]):
    """A path that was found."""

    resource: Resource[T]
    values: tuple[str, ...]
    """Text of the parameters, in the order of the template."""


class _Node(Generic[T]):
    __slots__ = ("literal", "other", "resource")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[T]] = {}
        self.other: _Node[T] | None = None
        self.resource: Resource[T] | None = None


class Router(Generic[T]):
    """The routes of one edge. Filled before the first request, only read after."""

    def __init__(self) -> None:
        self._static: dict[str, Match[T]] = {}
        self._plain: dict[bytes, Match[T]] = {}
        """The same, as most clients write them: without percent signs."""
        self._root: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T, owner: str) -> None:
        """Add a route.

        Args:
            method: Upper case.
            path: Template such as `/wallets/{owner}`.
            target: What `find` gives back.
            owner: Who claims it, for the error message.
        Raises:
            ConfigError: somebody has claimed this method and path already; names of parameters make no difference.
        """
        segments = path.split("/")[1:]
        if not any(s.startswith("{") for s in segments):
            match = self._static.setdefault("/" + "/".join(map(_decode, segments)), Match(Resource(), ()))
            match.resource.put(method, target, owner, path)
            if "%" not in path and path.isascii():
                self._plain[path.encode("ascii")] = match
            return
        node = self._root
        for segment in segments:
            if segment.startswith("{"):
                node.other = node.other or _Node()
                node = node.other
            else:
                node = node.literal.setdefault(_decode(segment), _Node())
        node.resource = node.resource or Resource()
        node.resource.put(method, target, owner, path)

    def find(self, path: str) -> Match[T] | None:
        """Find a path that has no percent signs, or has been decoded without danger."""
        found = self._static.get(path)
        if found is None and path.startswith("/"):
            found = self._walk(path.split("/")[1:])
        return found

    def find_raw(self, raw: bytes) -> Match[T] | None:
        """Find a path as it came over the network.

        Raises: UnicodeDecodeError: a segment is not UTF-8.
        """
        found = self._plain.get(raw)
        if found is not None:
            return found
        if b"%" not in raw and raw.isascii():
            return self.find(raw.decode("ascii"))
        if not raw.startswith(b"/"):
            return None
        segments = [_decode_bytes(s) for s in raw.split(b"/")][1:]
        if not any("/" in s for s in segments):
            found = self._static.get("/" + "/".join(segments))
            if found is not None:
                return found
        return self._walk(segments)

    def _walk(self, segments: list[str]) -> Match[T] | None:
        values: list[str] = []
        resource = _descend(self._root, segments, 0, values)
        return None if resource is None else Match(resource, tuple(values))


def _descend(node: _Node[T], segments: list[str], at: int, values: list[str]) -> Resource[T] | None:
    """Depth first, literal branch first. Templates are short, so the two branches per segment stay few."""
    if at == len(segments):
        return node.resource
    segment = segments[at]
    below = node.literal.get(segment)
    if below is not None:
        resource = _descend(below, segments, at + 1, values)
        if resource is not None:
            return resource
    if node.other is None or not segment:
        return None
    values.append(segment)
    resource = _descend(node.other, segments, at + 1, values)
    if resource is None:
        values.pop()
    return resource


def _decode(segment: str) -> str:
    return _decode_bytes(segment.encode("utf-8"))


def _decode_bytes(segment: bytes) -> str:
    return (unquote_to_bytes(segment) if b"%" in segment else segment).decode("utf-8")
