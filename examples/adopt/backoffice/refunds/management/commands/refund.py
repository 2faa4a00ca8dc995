"""`python -m backoffice refund CUSTOMER CENTS`: the same outside of all units; the wallet is called over the wire."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...giving import give


class Command(BaseCommand):
    """The command."""

    help = "Give money back to a customer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom, and how much."""
        parser.add_argument("customer")
        parser.add_argument("cents", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        customer = options["customer"]
        self.stdout.write(f"{customer} has {give(customer, options['cents'])} cents")
