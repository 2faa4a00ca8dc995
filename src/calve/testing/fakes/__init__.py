"""Fakes beside the ports, one module per room: they keep what happened, so that tests can look at it."""
