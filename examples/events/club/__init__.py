"""A club with members, and letters to them."""
