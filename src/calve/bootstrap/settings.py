"""Settings of services and of what else calve.toml names: all read before anything is opened, and none ignored."""

from __future__ import annotations

from typing import Any

from ..core.errors import ConfigError
from ..core.settings import Settings
from ..runtime import AppConfig
from ..runtime.sections import ServiceSettings
from ..service.injection import constructor_parameters


def read_settings(config: AppConfig, section: str, owner: Any) -> dict[type[Settings], Settings]:
    """Every settings object that the constructor of `owner` asks for, by its class.

    Args:
        section: Where they are, such as `service.wallet`.
        owner: A class; anything else asks for none.
    Raises: ConfigError: a value is missing or wrong, or there are values and nobody asks for them.
    """
    wanted = constructor_parameters(owner).values() if isinstance(owner, type) else ()
    kinds = [kind for kind in wanted if isinstance(kind, type) and issubclass(kind, Settings)]
    ours = ServiceSettings.__struct_fields__ if section.startswith("service.") else ()
    if not kinds and config.file.table(section).keys() - set(ours):
        raise ConfigError(
            f"[{section}] has settings, but {getattr(owner, '__qualname__', owner)} asks for none",
            where=config.file.where(section),
            fix="let its constructor ask for a subclass of Settings, or remove the section",
        )
    return {kind: config.reader.load(section, kind, besides=ours) for kind in kinds}
