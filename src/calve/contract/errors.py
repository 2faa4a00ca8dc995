"""Errors a contract declares (`DomainError`) and errors in declaring one (`ContractError`)."""

from __future__ import annotations

import inspect
import re
from typing import Any, ClassVar, Self, dataclass_transform, get_origin, get_type_hints

import msgspec

from ..core.errors import CalveError, ConfigError


class ContractError(ConfigError):
    """A contract is not well formed; found when the class is made or described, before anything starts."""


@dataclass_transform(kw_only_default=True)
class DomainError(CalveError):
    """An answer of a contract that is not the wished-for one, such as `InsufficientFunds`.

    Subclasses annotate their fields like a message; `status` is the HTTP status at the REST edge (4xx), the docstring
    is the title. Raised by the implementation, declared with `raises=[...]`, and caught by the caller as the same class
    with equal fields whatever lies between. One that is not declared reaches the caller as InternalError.

        class InsufficientFunds(DomainError):
            \"\"\"There is not enough money in the wallet.\"\"\"

            status = 409
            missing_cents: int
    """

    status: ClassVar[int] = 400
    __fields_type__: ClassVar[type[msgspec.Struct] | None] = None

    def __init__(self, **fields: Any) -> None:
        try:
            checked = type(self).fields_type()(**fields)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        super().__init__()
        self._set(checked)

    @classmethod
    def fields_type(cls) -> type[msgspec.Struct]:
        """The fields as a Struct: what is encoded in frames, problem documents and the OpenAPI document.

        Raises: ContractError: a field has the name of something every error has, or a default that is shared.
        """
        kind = cls.__dict__.get("__fields_type__")
        if kind is None:
            hints = get_type_hints(cls, include_extras=True)
            public = {name: hint for name, hint in hints.items() if not name.startswith("_")}
            names = [name for name, hint in public.items() if ClassVar not in (hint, get_origin(hint))]
            where = f"{cls.__module__}.{cls.__qualname__}"
            for name in names:
                if hasattr(DomainError, name):
                    raise ContractError(
                        f"field {name!r} would hide DomainError.{name}", where=where, fix="rename the field"
                    )
            fields = [(n, hints[n], getattr(cls, n)) if hasattr(cls, n) else (n, hints[n]) for n in names]
            try:
                kind = msgspec.defstruct(cls.__name__, fields, frozen=True, kw_only=True, module=cls.__module__)
            except (TypeError, ValueError) as error:
                raise ContractError(f"fields cannot be carried: {error}", where=where) from error
            cls.__fields_type__ = kind
        return kind

    @classmethod
    def title(cls) -> str:
        """First line of the docstring, or the class name in words."""
        doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "").split("\n", 1)[0].rstrip(".")
        return doc or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", cls.__name__).capitalize()

    def fields(self) -> msgspec.Struct:
        """This error's fields as an instance of `fields_type()`."""
        kind = type(self).fields_type()
        return kind(**{name: getattr(self, name) for name in kind.__struct_fields__})

    @classmethod
    def from_fields(cls, fields: msgspec.Struct) -> Self:
        """The error that has these fields; its constructor is not called, as it did run where the error was raised."""
        error = cls.__new__(cls)
        error._set(fields)
        return error

    def _set(self, fields: msgspec.Struct) -> None:
        for name in fields.__struct_fields__:
            setattr(self, name, getattr(fields, name))

    def __str__(self) -> str:
        pairs = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).fields_type().__struct_fields__)
        return f"{type(self).title()} ({pairs})" if pairs else type(self).title()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, DomainError) and other.fields() == self.fields()

    def __hash__(self) -> int:
        return hash(type(self))  # equal errors may have fields that are equal but not hashable, or not written alike

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {n: getattr(self, n) for n in type(self).fields_type().__struct_fields__})


def _rebuild(cls: type[DomainError], fields: dict[str, Any]) -> DomainError:
    return cls.from_fields(cls.fields_type()(**fields))
