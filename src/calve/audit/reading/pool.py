"""Reading many files: what the cache knows from there, the rest in as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from ..base import Gap
from ..discover import FILE_BYTES_MAX, Project, Role, SourceFile
from .cache import FactsCache, content_key
from .facts import FileFacts

CHUNK_BYTES = 1 << 18
"""Sources sent to a worker at once: enough to make the hand-over cheap, little enough to share the work evenly."""
SERIAL_BYTES_MAX = 1 << 19
"""Below this, starting processes takes longer than reading."""

COUNTED = frozenset[Role]({"test", "migration"})
"""What is only counted: it is often more than half of all lines, and no part depends on it."""

GENERATED_LINES_MIN = 20_000
"""Files with as many lines are named, since they may outweigh all that was written."""

Progress = Callable[[int, int], None]
_Source = tuple[bytes, bool]
"""The bytes of a file, and whether it is only counted."""


class Reading(msgspec.Struct):
    """The facts of a project's files, in the order of its files."""

    facts: dict[str, FileFacts]
    """By path; a file that could not be read is missing here and in `gaps`."""
    gaps: list[Gap]
    cached: int
    """How many were known."""


def read_files(
    project: Project, cache: FactsCache, *, processes: int | None = None, progress: Progress = lambda done, count: None
) -> Reading:
    """Read every file of a project.

    Args:
        project: What there is.
        cache: What was read before; renewed at the end.
        processes: How many to use; the number of cores by default.
        progress: Told after each part how many files of how many are read.
    """
    gaps: list[Gap] = []
    known, keys, new = cache.load(), dict[str, bytes](), dict[bytes, _Source]()
    for file in project.files:
        source = _bytes(project, file, gaps)
        if source is None:
            continue
        counted = file.role in COUNTED
        key = keys[file.path] = content_key(source, outline=counted)
        if key not in known:
            new[key] = (source, counted)
    cached = sum(key in known for key in keys.values())
    count, done = len(keys), len(keys) - len(new)
    progress(done, count)
    for part in _extracted(new, processes or os.cpu_count() or 1):
        known.update(part)
        done += len(part)
        progress(done, count)
    kept = {key: known[key] for key in dict.fromkeys(keys.values())}
    if new or len(kept) != len(known):
        cache.save(kept)
    decoder = msgspec.msgpack.Decoder(FileFacts)
    facts = {path: decoder.decode(kept[key]) for path, key in keys.items()}
    gaps += [gap for path, fact in facts.items() for gap in _gaps(path, fact)]
    return Reading(facts, sorted(gaps), cached)


def _bytes(project: Project, file: SourceFile, gaps: list[Gap]) -> bytes | None:
    path = Path(project.root, file.path)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            gaps.append(Gap("too large", file.path, 0, f"more than {FILE_BYTES_MAX >> 20} MiB: taken for data"))
            return None
        source = path.read_bytes()
    except OSError as error:
        gaps.append(Gap("unreadable", file.path, 0, error.strerror or "cannot be read"))
        return None
    if b"\0" in source:
        gaps.append(Gap("not python", file.path, 0, "has zero bytes: a binary file, or UTF-16"))
        return None
    return source


def _gaps(path: str, facts: FileFacts) -> Iterator[Gap]:
    if facts.errors:
        yield Gap("syntax", path, 0, f"{facts.errors} places are not Python; the rest was read")
    if facts.lines >= GENERATED_LINES_MIN:
        yield Gap("generated", path, 0, f"{facts.lines} lines: nobody wrote these by hand; read like the rest")
    if facts.encoding != "utf-8":
        yield Gap("encoding", path, 0, f"not UTF-8: read as {facts.encoding}")


def _extracted(sources: dict[bytes, _Source], processes: int) -> Iterator[dict[bytes, msgspec.Raw]]:
    chunks = list(_chunks(sources))
    if processes < 2 or sum(len(source) for source, _ in sources.values()) < SERIAL_BYTES_MAX:
        for chunk in chunks:
            yield _extract_chunk(chunk)
        return
    # Spawned, not forked: a fork of a process that has threads (a progress display) may never run.
    with ProcessPoolExecutor(min(processes, len(chunks)), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_extract_chunk, chunks)


def _chunks(sources: dict[bytes, _Source]) -> Iterator[list[tuple[bytes, _Source]]]:
    chunk: list[tuple[bytes, _Source]] = []
    size = 0
    for key, source in sources.items():
        chunk.append((key, source))
        size += len(source[0])
        if size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _extract_chunk(chunk: Sequence[tuple[bytes, _Source]]) -> dict[bytes, msgspec.Raw]:
    from .extract import extract, outline  # loads the grammar, which a warm audit does without

    encoder = msgspec.msgpack.Encoder()
    facts = ((key, (outline if counted else extract)(source)) for key, (source, counted) in chunk)
    return {key: msgspec.Raw(encoder.encode(fact)) for key, fact in facts}


def total_lines(facts: Iterable[FileFacts]) -> int:
    """Lines of all files together."""
    return sum(fact.lines for fact in facts)
