"""Secrets: text that shows itself only when asked by name.

A `Secret` may sit in a settings object that gets printed, logged, compared, copied or attached to an error; none of
these shows the text, and serialisers refuse it. The one way to it is `reveal()`, which is easy to find in a review.
"""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

MASK = "***"


class Secret:
    """Text such as a password or an API key, hidden from `repr`, `str`, formatting, pickle, JSON and MessagePack.

    Two secrets with the same text are equal (compared in constant time). Copies are the same object.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"a secret is text, not {type(text).__name__}"
            )  # the type only: the value may be the secret
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Hand it straight to what needs it and keep it nowhere."""
        return self.__text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised; pass what needs it the settings, or the text from reveal()")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__getstate__()
