"""Notices sent to recipients by e-mail."""
