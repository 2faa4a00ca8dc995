"""Typed settings: sections of values that are read once, before anything starts.

    class WalletSettings(Settings):
        overdraft_cents: int = 0
        api_key: Secret

Where the value of `api_key` in section `service.wallet` comes from; the first that has it wins:

    1  environment      CALVE_SERVICE_WALLET_API_KEY
    2  secret file      <secrets folder>/service_wallet_api_key     as Docker and Kubernetes mount secrets
    3  calve.toml       api_key under [service.wallet]
    4  the default of the class

Text from 1 and 2 is read as the annotated type: numbers and `true`/`false` as such, anything with parts (lists, tables)
as JSON; empty text means None where None is allowed. The secrets folder is CALVE_SECRETS_DIR, default /run/secrets.
Calve's own sections (`[http]`, `[wire]`, …) are `Settings` too: `[http] port` is CALVE_HTTP_PORT.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, dataclass_transform, get_args, get_origin

import msgspec

from .codec import invalid_argument
from .errors import ConfigError
from .secret import Secret
from .suggest import did_you_mean
from .toml import TomlFile, shown_path

__all__ = ["describe_settings", "env_name", "option", "Secret", "SettingRow", "Settings", "SettingsReader"]

SECRETS_DIR_VARIABLE = "CALVE_SECRETS_DIR"
SECRETS_DIR_DEFAULT = "/run/secrets"

S = TypeVar("S", bound="Settings")

_MODULES = re.compile(r"([A-Za-z_]\w*\.)+(?=\w)")


class _SettingsMeta(msgspec.StructMeta):
    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> _SettingsMeta:
        config.setdefault("frozen", True)
        config.setdefault("kw_only", True)
        return super().__new__(mcs, name, bases, namespace, **config)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Settings(msgspec.Struct, frozen=True, metaclass=_SettingsMeta):
    """A section of settings; subclass it, annotate the fields, and ask for it in the constructor of a service.

    Fields are of any type that a message can have, `Secret`, or `Path` (relative to the folder of calve.toml). A field
    without default has to be set somewhere.
    """


def option(text: str, *, unit: str = "", **limits: Any) -> msgspec.Meta:
    """Describe a field where it is declared: `port: Annotated[int, option("TCP port", ge=0, le=65535)] = 8000`.

    Args:
        text: What it is, as a noun phrase; shown in errors and in the reference of settings.
        unit: Such as `bytes` or `seconds`.
        limits: Constraints as msgspec.Meta knows them (ge, gt, le, lt, pattern, min_length, max_length).
    """
    return msgspec.Meta(description=text, extra={"unit": unit}, **limits)


class SettingRow(NamedTuple):
    """One line of the reference of settings."""

    section: str
    name: str
    type: str
    default: str
    """As written in TOML; '' when there is none, `required` when it has to be set."""
    unit: str
    text: str
    env: str


def env_name(section: str, key: str) -> str:
    """`service.wallet`, `api_key` -> `CALVE_SERVICE_WALLET_API_KEY`."""
    return f"CALVE_{_slug(section)}_{_slug(key)}".upper()


def _slug(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


class SettingsReader:
    """Reads sections from the places above.

    Args:
        file: The parsed calve.toml.
        environ: Environment; copied, so that later changes have no effect.
    Raises: ConfigError: CALVE_SECRETS_DIR names no folder.
    """

    def __init__(self, file: TomlFile, environ: Mapping[str, str]) -> None:
        self.file, self._environ = file, dict(environ)
        self.secrets_dir = Path(self._environ.get(SECRETS_DIR_VARIABLE, SECRETS_DIR_DEFAULT))
        if SECRETS_DIR_VARIABLE in self._environ and not self.secrets_dir.is_dir():
            raise ConfigError(f"{self.secrets_dir} is not a folder", where=SECRETS_DIR_VARIABLE)

    @property
    def variables(self) -> list[str]:
        """Names of all variables of the environment."""
        return list(self._environ)

    def load(self, section: str, kind: type[S], *, besides: Collection[str] | None = ()) -> S:
        """Read one section.

        Args:
            section: Dotted name of its table, such as `http` or `service.wallet`.
            kind: The class to fill.
            besides: Keys of the same table that belong to somebody else; None: all that the class does not have do.
        Returns: a new object.
        Raises: ConfigError: a value is missing, of the wrong type, or a key of calve.toml is not known. The message
            never shows the value of a `Secret`.
        """
        fields = {f.name: f for f in msgspec.structs.fields(kind)}
        for key in self.file.table(section):
            if key not in fields and besides is not None and key not in besides:
                where = self.file.where(section, key)
                raise ConfigError(f"[{section}] {key} is not a setting", where=where, fix=did_you_mean(key, fields))
        values = {}
        for name, field in fields.items():
            found = self._find(section, name)
            if found is not None:
                values[name] = self._convert(section, field, *found)
            elif field.required:
                raise self._missing(section, name)
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:  # from the __post_init__ of an application's own class
            raise ConfigError(f"[{section}] {error}", where=self.file.where(section)) from error

    def _find(self, section: str, key: str) -> tuple[Any, str, bool] | None:
        """Value, where it came from, and whether it is text that still has to be read."""
        variable = env_name(section, key)
        if variable in self._environ:
            return self._environ[variable], variable, True
        path = self._secret_path(section, key)
        try:
            # One newline at the end is how editors and `echo` write files; more than one is content.
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r"), str(path), True
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, UnicodeDecodeError) as error:
            reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise ConfigError(f"secret file cannot be read: {reason}", where=str(path)) from None
        table = self.file.table(section)
        return (table[key], self.file.where(section, key), False) if key in table else None

    def _secret_path(self, section: str, key: str) -> Path:
        return self.secrets_dir / f"{_slug(section)}_{_slug(key)}"

    def _missing(self, section: str, key: str) -> ConfigError:
        return ConfigError(
            f"[{section}] {key} is not set",
            where=self.file.where(section),
            fix=f"set {env_name(section, key)} in the environment, or write it to the file"
            f" {self._secret_path(section, key)}, or as {key} under [{section}] in {shown_path(self.file.path)}",
        )

    def _convert(self, section: str, field: msgspec.structs.FieldInfo, value: Any, where: str, is_text: bool) -> Any:
        try:
            return self._typed(field.type, value, is_text)
        except (msgspec.DecodeError, NotImplementedError, TypeError, ValueError) as error:
            what = f"[{section}] {field.name}: {_reason(error, field.type, value)}"
            text = _meta(field.type).description
            # The chain is cut: a traceback of msgspec or of a hook could show the value, which may be a secret.
            raise ConfigError(f"{what} ({text})" if text else what, where=where) from None

    def _typed(self, kind: Any, value: Any, is_text: bool) -> Any:
        if is_text and value == "" and type(None) in _alternatives(kind):
            return None
        if is_text and _has_parts(kind):
            return msgspec.json.decode(value, type=kind, dec_hook=self._hook)
        converted = msgspec.convert(value, kind, strict=not is_text, dec_hook=self._hook)
        if isinstance(converted, float) and math.isnan(converted):
            raise ValueError("expected a number, got NaN")
        if isinstance(converted, Secret) and not converted:
            raise ValueError("is empty")
        return converted

    def _hook(self, kind: type[Any], value: Any) -> Any:
        if kind is Secret or kind is Path:
            if not isinstance(value, str):
                raise ValueError("expected text")
            return Secret(value) if kind is Secret else self.file.path.parent / value
        raise NotImplementedError(f"settings cannot have the type {kind.__module__}.{kind.__qualname__}")


def _reason(error: Exception, kind: Any, value: Any) -> str:
    choices = [str(c) for k in _alternatives(kind) if get_origin(k) is Literal for c in get_args(k)]
    if choices and isinstance(value, str):
        return f"{value!r} is not one of the choices; {did_you_mean(value, choices)}"
    text = str(invalid_argument(error))
    return text[:1].lower() + text[1:]


def _plain(kind: Any) -> Any:
    return _plain(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _alternatives(kind: Any) -> tuple[Any, ...]:
    kind = _plain(kind)
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _has_parts(kind: Any) -> bool:
    """Whether text for this type is JSON: a container or a table, not a scalar."""
    origins = [get_origin(k) or k for k in _alternatives(kind)]
    containers = (list, tuple, set, frozenset, dict, msgspec.Struct)
    return any(
        isinstance(o, type) and (issubclass(o, containers) or hasattr(o, "__dataclass_fields__")) for o in origins
    )


def _meta(kind: Any) -> msgspec.Meta:
    """What `option` attached to a type; an empty description when nothing did."""
    metas = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((m for m in metas if isinstance(m, msgspec.Meta) and m.description), msgspec.Meta())


def describe_settings(section: str, kind: type[Settings]) -> list[SettingRow]:
    """The reference of one section, a row per field in the order of declaration."""
    rows = []
    for field in msgspec.structs.fields(kind):
        meta = _meta(field.type)
        default = "required" if field.required else _toml(field.default)
        unit = (meta.extra or {}).get("unit", "")
        names = " | ".join(_type_name(k) for k in _alternatives(field.type) if k is not type(None))
        env = env_name(section, field.name)
        rows.append(SettingRow(section, field.name, names, default, unit, meta.description or "", env))
    return rows


def _type_name(kind: Any) -> str:
    kind = _plain(kind)
    if get_origin(kind) is Literal:
        return " | ".join(_toml(c) for c in get_args(kind))
    return getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else _MODULES.sub("", str(kind))


def _toml(value: Any) -> str:
    if value is None or value is msgspec.NODEFAULT:
        return ""
    return msgspec.json.encode(str(value) if isinstance(value, Path | Secret) else value).decode()
