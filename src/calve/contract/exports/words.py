"""Names and comments, as other languages want them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

COMMENT_LETTERS_MAX = 110


def pascal(name: str) -> str:
    """`order_status` and `orderStatus` as `OrderStatus`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name) if part) or "X"


def snake(name: str) -> str:
    """`OrderStatus` as `order_status`."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower() or "x"


def identifier(name: str, taken: Iterable[str] = ()) -> str:
    """A name that may stand in any of the languages, and is not among the reserved words given."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", name)
    text = f"_{text}" if not text or text[0].isdigit() else text
    return f"{text}_" if text in set(taken) else text


def comment(text: str, mark: str, indent: str = "") -> Iterator[str]:
    """The lines of a comment, each with its mark; none for no text."""
    for paragraph in text.splitlines():
        width = COMMENT_LETTERS_MAX - len(indent)
        for line in textwrap.wrap(paragraph, width, break_on_hyphens=False) or [""]:
            yield f"{indent}{mark} {line}".rstrip()


def generated(service: str, contract: str, version: str, form: str) -> str:
    """What every generated file says first."""
    return (
        f"Generated from {contract} {version} by `calve contract export {service} --format {form}`. "
        "Change the contract and generate again; edits here are lost."
    )
