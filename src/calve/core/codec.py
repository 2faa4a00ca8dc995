"""The codec: values to bytes and back, checked against their types.

MessagePack between Calve processes *and* for in-process calls, JSON at the REST edge; both by msgspec, so a value means
the same on either. What crosses, and how:

    str int float bool None bytes           themselves; int within 64 bits (-2**63 … 2**64-1), refused beyond
    datetime date time timedelta            an aware datetime arrives as the same instant in UTC; the rest as they are
    UUID Decimal                            text
    Enum                                    its value
    list tuple set frozenset dict           array / map; come back as the annotated type
    Message, Struct, dataclass, TypedDict   map by field name; unknown fields are ignored, so old code reads new data
    pydantic models                         map by field name (by alias in JSON); validated by pydantic on arrival
    X | None, X | Y, X | Unset              None is a value; UNSET (`field: X | Unset = UNSET`) a field that is absent

NaN and the infinities survive MessagePack; JSON has no word for them and gets null. What JSON can say beyond
MessagePack (integers of any size, an instant with its zone) goes through MessagePack as well, so that a value that
enters or leaves at the REST edge is the same whether the service behind it is in this process or in another.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import msgspec

from .errors import InvalidArgument

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*?) - at (?P<key>`key` in )?`(?P<path>[^`]+)`$", re.DOTALL)


def enc_hook(value: Any) -> Any:
    """Encode for MessagePack what msgspec does not know.

    Pydantic models, recognised by their interface so that pydantic is not imported, and subclasses of the plain types.
    """
    return _encode(value, round_trip=True)


def _json_enc_hook(value: Any) -> Any:
    return _encode(value, by_alias=True)


def _encode(value: Any, **options: bool) -> Any:
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return dump(value, **options)
    for plain in (str, int, float, bytes):
        if isinstance(value, plain):
            return plain(value)  # type: ignore[arg-type]
    raise TypeError(f"cannot encode {_name(type(value))}")


def dec_hook(expected: type[Any], value: Any) -> Any:
    """Decode from MessagePack what msgspec does not know: pydantic models."""
    # Not strict: MessagePack has carried a UUID or a date as text. The model itself was built under its own rules.
    return _validate(expected, "model_validate", value, strict=False, by_name=True, by_alias=True)


def _json_dec_hook(expected: type[Any], value: Any) -> Any:
    # As JSON, because that is where a strict model lets text stand for a UUID or a date.
    return _validate(expected, "model_validate_json", msgspec.json.encode(value))


def _validate(expected: type[Any], method: str, value: Any, **options: bool) -> Any:
    validate = getattr(expected, method, None)
    if validate is None:
        raise TypeError(f"cannot decode {_name(expected)}")
    try:
        return validate(value, **options)
    except ValueError as error:  # pydantic.ValidationError is a ValueError
        raise ValueError(_pydantic_text(error)) from error


def _pydantic_text(error: ValueError) -> str:
    errors: Callable[[], list[dict[str, Any]]] | None = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or '$'}: {e['msg']}" for e in errors())


def _name(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', kind)}"


def invalid_argument(error: Exception) -> InvalidArgument:
    """Turn msgspec's message (`Expected `int`, got `str` - at `$.items[0].qty``) into text plus field path."""
    text = str(error) or type(error).__name__
    match = _AT.match(text)
    if match is None:
        return InvalidArgument(text)
    path = match["path"]
    return InvalidArgument(f"{match['what']} at {'a key of ' if match['key'] else ''}{path}", field=path)


class Codec(Generic[T]):
    """Both directions for one type, compiled once.

    Args:
        kind: Any type msgspec understands, or a pydantic model.
    Raises:
        TypeError: the type cannot be carried (for example a union of two untagged messages); the message says why.
    """

    __slots__ = ("_json_dec", "_msgpack_dec", "kind")

    @overload
    def __init__(self, kind: type[T]) -> None: ...
    @overload
    def __init__(self: Codec[Any], kind: Any) -> None: ...
    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._msgpack_dec = msgspec.msgpack.Decoder(kind, dec_hook=dec_hook)
        self._json_dec = msgspec.json.Decoder(kind, dec_hook=_json_dec_hook)

    # Every method below catches Exception: besides msgspec's own errors, what a `__post_init__`, a validator or a
    # serialiser of the application raises also means that the value does not fit, and must be the same on every path.

    def encode(self, value: T) -> bytes:
        """Value to MessagePack.

        Raises: InvalidArgument: something inside cannot be encoded (an integer beyond 64 bits, a foreign object).
        """
        try:
            return _msgpack.encode(value)
        except Exception as error:
            raise invalid_argument(error) from error

    def decode(self, data: bytes | bytearray | memoryview | msgspec.Raw) -> T:
        """MessagePack to a checked value.

        Raises: InvalidArgument: wrong type or constraint, with the field path; or not MessagePack at all.
        """
        try:
            return self._msgpack_dec.decode(data)  # type: ignore[no-any-return]
        except Exception as error:
            raise invalid_argument(error) from error

    def copy(self, value: T, bytes_max: int = sys.maxsize) -> T:
        """What the other side of a wire would see: encode, decode, check. The heart of every in-process call.

        Args:
            bytes_max: Refuse what is larger when encoded, as a wire would.
        Raises: InvalidArgument like `encode` and `decode`.
        """
        try:
            data = _msgpack.encode(value)
            if len(data) > bytes_max:
                raise ValueError(f"takes {len(data)} bytes, the limit is {bytes_max}")
            return self._msgpack_dec.decode(data)  # type: ignore[no-any-return]
        except Exception as error:
            raise invalid_argument(error) from error

    def encode_json(self, value: T) -> bytes:
        """Value to JSON (UTF-8), checked. Raises InvalidArgument when it does not fit the type or cannot be encoded."""
        checked = self.copy(value)
        try:
            return _json.encode(checked)
        except Exception as error:
            raise invalid_argument(error) from error

    def decode_json(self, data: bytes | bytearray | memoryview) -> T:
        """JSON to a checked value. Raises InvalidArgument like `decode`."""
        try:
            value = self._json_dec.decode(data)
        except Exception as error:
            raise invalid_argument(error) from error
        return self.copy(value)

    def convert(self, value: Any, *, strict: bool = True) -> T:
        """Check builtins (dict, list, str, …) against the type; `strict=False` also reads numbers and flags from text.

        Raises: InvalidArgument like `decode`.
        """
        try:
            converted: T = msgspec.convert(value, self.kind, strict=strict, dec_hook=dec_hook)
        except Exception as error:
            raise invalid_argument(error) from error
        return self.copy(converted)


_msgpack = msgspec.msgpack.Encoder(enc_hook=enc_hook)
_json = msgspec.json.Encoder(enc_hook=_json_enc_hook)
