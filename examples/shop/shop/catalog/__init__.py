"""Catalog: what is for sale."""
