"""Read a monolith."""
