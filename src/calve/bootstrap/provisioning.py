"""Making what services need on a PostgreSQL server, before they can start: `calve store create`."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..runtime import AppConfig
from ..runtime.stores import store_place
from ..store import PostgresTarget, postgres_target
from .describing import describe_services
from .stores import require_postgres


def postgres_targets(config: AppConfig, services: Sequence[str] = ()) -> dict[str, PostgresTarget]:
    """Where the stores of services are on PostgreSQL servers, by service.

    Args:
        services: Names; none means all that have a store.
    Raises: ConfigError: no such service (with near misses), or none has a store on PostgreSQL.
    """
    for name in services:
        if name not in config.services:
            raise ConfigError(f"no service {name!r}", fix=did_you_mean(name, config.services))
    facts = describe_services(config)
    found = {}
    for name in services or config.services:
        place = store_place(config.store_template(name), name, config.root)
        if facts[name].stores and isinstance(place, PostgresTarget):
            found[name] = place
    if not found:
        raise ConfigError(
            "no service has a store on PostgreSQL",
            where=config.file.where("store", "url"),
            fix="write for example postgresql://{service}@127.0.0.1/{service}",
        )
    return found


def creation_script(targets: dict[str, PostgresTarget]) -> str:
    """The SQL that makes roles, databases and schemas, for psql. Raises ConfigError: the extra is missing."""
    require_postgres()
    from ..store.postgres.provision import script

    return script(targets)


async def create_stores(config: AppConfig, targets: dict[str, PostgresTarget], admin: str) -> None:
    """Make roles, databases and schemas, and give the roles their passwords.

    Args:
        admin: URL of a role that may, on the same server.
    Raises: ConfigError: it is another server, it cannot be used, or refuses.
    """
    require_postgres()
    from ..store.postgres.provision import provision

    at = postgres_target(admin, service="postgres")
    for name, target in targets.items():
        if (target.host, target.port) != (at.host, at.port):
            raise ConfigError(
                f"the store of {name!r} is on {target.host}:{target.port}, not on {at.host}:{at.port}",
                where="--admin",
                fix="name the services of one server at a time",
            )
    passwords = {name: config.service[name].store_password or config.store.password for name in targets}
    await provision(at, None, [(target, passwords[name]) for name, target in targets.items()])
