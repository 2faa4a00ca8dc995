"""Orders: placing orders and following them."""
