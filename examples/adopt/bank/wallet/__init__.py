"""Money held for customers."""
