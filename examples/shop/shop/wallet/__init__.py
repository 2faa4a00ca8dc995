"""Wallet: customers' money."""
