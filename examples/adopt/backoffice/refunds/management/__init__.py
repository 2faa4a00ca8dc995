"""Commands of the refunds."""
