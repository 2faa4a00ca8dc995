"""Reading source: every file to plain facts, once, in parallel, without running any of it.

    files ──> cache ──known──────────────────────────┐
                └──new──> worker processes ──> parse (tree-sitter) ──> extract ──> FileFacts

Nothing here knows about other files: what a name means is settled later (`calve.audit.resolving`), so that facts depend
on a file's bytes alone and can be kept by their hash.
"""

from .facts import FileFacts
from .pool import Reading, read_files

__all__ = ["FileFacts", "read_files", "Reading"]
