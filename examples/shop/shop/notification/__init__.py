"""Notification: messages to customers."""
