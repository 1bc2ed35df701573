"""Notices sent by e-mail and by webhook."""
