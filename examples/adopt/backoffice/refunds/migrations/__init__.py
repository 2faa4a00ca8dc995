"""Migrations of the refunds."""
