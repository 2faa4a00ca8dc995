"""Refunds in the admin."""

from __future__ import annotations

from django.contrib import admin

from .models import Refund

admin.site.register(Refund)
