"""Joda's and java.time's date patterns, written and read."""
