"""`calve store create`: what services need on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

import click

from .options import config_option


@click.group("store")
def command() -> None:
    """Prepare the databases of services."""


@command.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@config_option
@click.option("--admin", metavar="URL", help="Do it, as this role: postgresql://postgres@host/postgres.")
def create(services: tuple[str, ...], config: Path | None, admin: str | None) -> None:
    """Make the role and the database, or schema, of services on PostgreSQL.

    Without --admin it prints the SQL, for psql. What exists already is left as it is, so it may be repeated. The
    password of the admin role is read from PGPASSWORD or from libpq's password file; the roles get the passwords that
    CALVE_STORE_PASSWORD, or a service's own setting, holds.
    """
    import asyncio

    from ..bootstrap.provisioning import create_stores, creation_script, postgres_targets
    from .project import load_project

    project = load_project(config)
    targets = postgres_targets(project, services)
    if admin is None:
        click.echo(creation_script(targets), nl=False)
        return
    asyncio.run(create_stores(project, targets, admin))
    for name, target in targets.items():
        click.echo(f"{name}: {target}")
