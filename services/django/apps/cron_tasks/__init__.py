"""Periodic work that beat starts."""
