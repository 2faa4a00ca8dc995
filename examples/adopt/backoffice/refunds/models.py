"""A refund, in Django's own database."""

from __future__ import annotations

from django.db import models


class Refund(models.Model):
    """Money given back to a customer."""

    customer = models.CharField(max_length=50)
    cents = models.PositiveIntegerField()
    given_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.cents} cents to {self.customer}"
