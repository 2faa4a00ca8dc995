"""Inventory: what is in stock and what is set aside."""
