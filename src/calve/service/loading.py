"""From a dotted name in calve.toml to classes.

    "shop.wallet"  ->  contract        the one contract defined in shop/wallet/contract.py, or in shop/wallet.py
                   ->  implementation  the one class implementing it in shop/wallet/service.py, or in shop/wallet.py

The implementation is imported only where the service is hosted, so a unit never loads the code of another.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from ..contract import ContractInfo, Operation, describe, is_contract
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean


class ImportFailed(ConfigError):
    """A module is there but failed when it was imported; the cause is what it raised."""


class LoadedService(msgspec.Struct, frozen=True):
    """A service found by its dotted name."""

    name: str
    """Last part of the dotted name; what topologies, settings and metrics call it."""
    module: str
    """The dotted name."""
    contract: ContractInfo
    implementation: type[Any] | None
    """None where the service is not hosted."""
    folder: Path
    """Where its `schema/` folder is looked for."""


def load_service(dotted: str, *, hosted: bool) -> LoadedService:
    """Import a service's contract and, when it is hosted here, its implementation.

    Raises: ConfigError: nothing or too much found; names the module that was searched and near misses.
    """
    info = load_contract(dotted)
    module = _import(dotted)
    folder = Path(module.__file__ or ".").parent
    implementation = _implementation(dotted, info) if hosted else None
    return LoadedService(dotted.rpartition(".")[2], dotted, info, implementation, folder)


def load_contract(dotted: str) -> ContractInfo:
    """Import and describe the contract of a service, without its implementation."""
    module = _submodule(dotted, "contract")
    found = [cls for cls in _defined(module) if is_contract(cls)]
    if len(found) != 1:
        raise ConfigError(
            f"service {dotted!r} has {_count(found, 'contract', 'contracts')} in module {module.__name__}",
            where="calve.toml [app] services",
            fix="define exactly one class with the bases Contract and Protocol there",
        )
    return describe(found[0])


def _implementation(dotted: str, info: ContractInfo) -> type[Any]:
    module = _submodule(dotted, "service")
    found = [cls for cls in _defined(module) if info.cls in cls.__mro__ and not is_contract(cls)]
    found = [cls for cls in found if not any(cls in other.__mro__[1:] for other in found)]  # bases of the one meant
    if len(found) != 1:
        count = _count(found, f"implementation of {info.name}", f"implementations of {info.name}")
        raise ConfigError(
            f"service {dotted!r} has {count} in module {module.__name__}",
            where="calve.toml [app] services",
            fix=f"define exactly one class there that inherits {info.name}",
        )
    check_implementation(found[0], info)
    check_hooks(found[0], info)
    return found[0]


def check_implementation(cls: type[Any], info: ContractInfo) -> None:
    """Check that every operation is implemented, in the same manner and with the same parameters.

    Raises: ConfigError: names the method; a type checker finds most of this earlier.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    for name, operation in info.operations.items():
        method = inspect.getattr_static(cls, name)
        if method is inspect.getattr_static(info.cls, name):
            raise ConfigError(f"operation {name!r} of {info.name} is not implemented", where=where)
        if operation.streaming:
            if not inspect.isasyncgenfunction(method):
                raise ConfigError(f"{name!r} streams, so it must be an async generator", where=where, fix="use yield")
        elif not inspect.iscoroutinefunction(method):
            raise ConfigError(f"{name!r} must be declared with async def", where=where)
        if not _accepts(method, operation):
            shown = f"{operation.name}({', '.join(operation.params)})"
            raise ConfigError(
                f"{name}{inspect.signature(method)} does not fit the contract's {shown}",
                where=where,
                fix="give it the parameters of the contract, in the same order",
            )


def check_hooks(cls: type[Any], info: ContractInfo) -> None:
    """Check `start` and `stop`, which are called when a unit starts and stops, unless they are operations.

    Raises: ConfigError: one is not a coroutine function without parameters.
    """
    for name in ("start", "stop"):
        hook = getattr(cls, name, None)
        if hook is None or name in info.operations:
            continue
        fits = inspect.iscoroutinefunction(hook)
        try:
            inspect.signature(hook).bind(None)
        except TypeError:
            fits = False
        if not fits:
            raise ConfigError(
                f"{name!r} is called when its unit {name}s, but is not `async def {name}(self)`",
                where=f"{cls.__module__}.{cls.__qualname__}",
                fix="declare it so, or rename it",
            )


def _accepts(method: Any, operation: Operation) -> bool:
    """Whether a method can be called with the parameters of an operation, each by the name it has in the contract."""
    signature = inspect.signature(method)
    keywords = {name: None for name in operation.params if name not in operation.positional}
    try:
        bound = signature.bind(None, *operation.positional, **keywords)
    except TypeError:
        return False
    return tuple(bound.arguments)[1 : len(operation.positional) + 1] == operation.positional


def load_object(reference: str, *, where: str) -> Any:
    """Resolve `"module:attribute"`.

    Raises: ConfigError: says whether the module is missing, failed inside, or has no such attribute (with near misses).
    """
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        raise ConfigError(f"{reference!r} is not of the form 'module:attribute'", where=where)
    module = _import(module_name, where=where)
    if not hasattr(module, attribute):
        names = [n for n in vars(module) if not n.startswith("_")]
        raise ConfigError(f"module {module_name} has no {attribute!r}; {did_you_mean(attribute, names)}", where=where)
    return getattr(module, attribute)


def _submodule(dotted: str, part: str) -> ModuleType:
    """`dotted.part` if there is one, else `dotted` itself (a service in a single file)."""
    module = _import(dotted)
    if not hasattr(module, "__path__"):
        return module
    if importlib.util.find_spec(f"{dotted}.{part}") is None:
        raise ConfigError(
            f"service {dotted!r} has no module {dotted}.{part}",
            where="calve.toml [app] services",
            fix=f"create {dotted.replace('.', '/')}/{part}.py",
        )
    return _import(f"{dotted}.{part}")


def _import(dotted: str, where: str = "calve.toml [app] services") -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        # The missing module is this one or a parent of it; otherwise the fault is inside the module.
        if error.name is None or not (dotted == error.name or dotted.startswith(f"{error.name}.")):
            fix = f"install what has it, for the Python at {sys.executable}"
            what = f"module {dotted} needs {error.name!r}, which is not installed"
            raise ImportFailed(what, where=where, fix=fix) from error
        parent, _, last = dotted.rpartition(".")
        raise ConfigError(
            f"module {dotted!r} was not found; {did_you_mean(last, _siblings(parent))}",
            where=where,
            fix="check the name, and that the folder of calve.toml is the project's root",
        ) from None
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ImportFailed(f"module {dotted} failed on import: {_reason(error)}", where=where) from error


def _siblings(parent: str) -> list[str]:
    import pkgutil

    path = getattr(sys.modules.get(parent), "__path__", None) if parent else list(sys.path[:1])
    return [m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")] if path else []


def _reason(error: BaseException) -> str:
    """What went wrong and in which line."""
    if isinstance(error, SyntaxError) and error.filename:  # its traceback ends in the import system
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    line = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{line}"


def _defined(module: ModuleType) -> list[type[Any]]:
    return [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]


def _count(found: list[type[Any]], one: str, many: str) -> str:
    names = ", ".join(cls.__name__ for cls in found)
    return f"{len(found)} {many} ({names})" if found else f"no {one}"
