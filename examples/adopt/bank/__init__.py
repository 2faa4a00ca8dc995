"""A bank account for customers, as a service."""
