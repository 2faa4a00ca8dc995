"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class RefundsConfig(AppConfig):
    """Its name."""

    name = "backoffice.refunds"
