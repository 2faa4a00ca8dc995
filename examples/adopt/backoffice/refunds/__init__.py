"""Refunds that the staff gives."""
