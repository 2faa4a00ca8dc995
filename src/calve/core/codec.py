"""The codec: values to bytes and back, checked against their types.

MessagePack between Calve processes *and* for in-process calls, JSON at the REST edge; both by msgspec, so a value means the
same on either. What crosses, and how:

    str int float bool None bytes           themselves; int within 64 bits (-2**63 … 2**64-1), refused beyond
    datetime date time timedelta            an aware datetime arrives as the same instant in UTC; the rest as they are
    UUID Decimal                            text
    Enum                                    its value
    list tuple set frozenset dict           array / map; come back as the annotated type
    Message, Struct, dataclass, TypedDict   map by field name; unknown fields are ignored, so old code reads new data
    pydantic models                         map; validated by pydantic on arrival
    X | None, X | Y, UNSET                  None is a value, UNSET (`calve.Unset`) a field that is not there

NaN and the infinities survive MessagePack; JSON has no word for them and gets null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from .errors import InvalidArgument

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*?) - at `(?P<path>[^`]+)`$", re.DOTALL)


def enc_hook(value: Any) -> Any:
    """Encode what msgspec does not know: pydantic models, recognised by their interface so that pydantic is not imported."""
    dump = getattr(type(value), "model_dump", None)
    if dump is None:
        raise NotImplementedError(f"cannot encode {type(value).__module__}.{type(value).__qualname__}")
    return dump(value)


def dec_hook(expected: type[Any], value: Any) -> Any:
    """Decode what msgspec does not know: pydantic models."""
    validate = getattr(expected, "model_validate", None)
    if validate is None:
        raise NotImplementedError(f"cannot decode {expected.__module__}.{expected.__qualname__}")
    try:
        return validate(value)
    except ValueError as error:  # pydantic.ValidationError is a ValueError
        raise ValueError(_pydantic_text(error)) from error


def _pydantic_text(error: ValueError) -> str:
    errors: Callable[[], list[dict[str, Any]]] | None = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or '$'}: {e['msg']}" for e in errors())


def invalid_argument(error: Exception) -> InvalidArgument:
    """Turn msgspec's message (`Expected `int`, got `str` - at `$.items[0].qty``) into text plus field path."""
    text = str(error)
    match = _AT.match(text)
    what, path = (match["what"], match["path"]) if match else (text, "$")
    return InvalidArgument(f"{what} at {path}" if match else what, field=path)


class Codec(Generic[T]):
    """Both directions for one type, compiled once.

    Args:
        kind: Any type msgspec understands, or a pydantic model.
    Raises:
        TypeError: the type cannot be carried (for example a union of two untagged messages); the message says why.
    """

    __slots__ = ("_json_dec", "_msgpack_dec", "kind")

    def __init__(self, kind: type[T] | Any) -> None:
        self.kind = kind
        self._msgpack_dec = msgspec.msgpack.Decoder(kind, dec_hook=dec_hook)
        self._json_dec = msgspec.json.Decoder(kind, dec_hook=dec_hook)

    def encode(self, value: T) -> bytes:
        """Value to MessagePack.

        Raises: InvalidArgument: something inside cannot be encoded (an integer beyond 64 bits, a foreign object).
        """
        try:
            return _msgpack.encode(value)
        except (OverflowError, NotImplementedError, TypeError, ValueError) as error:
            raise invalid_argument(error) from error

    def decode(self, data: bytes | bytearray | memoryview | msgspec.Raw) -> T:
        """MessagePack to a checked value.

        Raises: InvalidArgument: wrong type or constraint, with the field path; or not MessagePack at all.
        """
        try:
            return self._msgpack_dec.decode(data)
        except (msgspec.DecodeError, RecursionError, NotImplementedError, ValueError) as error:
            raise invalid_argument(error) from error

    def copy(self, value: T) -> T:
        """What the other side of a wire would see: encode, decode, check. The heart of every in-process call."""
        try:
            return self._msgpack_dec.decode(_msgpack.encode(value))
        except (msgspec.DecodeError, OverflowError, RecursionError, NotImplementedError, TypeError, ValueError) as error:
            raise invalid_argument(error) from error

    def encode_json(self, value: T) -> bytes:
        """Value to JSON (UTF-8). Raises InvalidArgument like `encode`."""
        try:
            return _json.encode(value)
        except (NotImplementedError, TypeError, ValueError) as error:
            raise invalid_argument(error) from error

    def decode_json(self, data: bytes | bytearray | memoryview) -> T:
        """JSON to a checked value. Raises InvalidArgument like `decode`."""
        try:
            return self._json_dec.decode(data)
        except (msgspec.DecodeError, RecursionError, NotImplementedError, ValueError) as error:
            raise invalid_argument(error) from error

    def convert(self, value: Any, *, strict: bool = True) -> T:
        """Check builtins (dict, list, str, …) against the type; `strict=False` also reads numbers and flags from text."""
        try:
            return msgspec.convert(value, self.kind, strict=strict, dec_hook=dec_hook)  # type: ignore[no-any-return]
        except (msgspec.ValidationError, RecursionError, NotImplementedError, ValueError) as error:
            raise invalid_argument(error) from error


_msgpack = msgspec.msgpack.Encoder(enc_hook=enc_hook)
_json = msgspec.json.Encoder(enc_hook=enc_hook)
