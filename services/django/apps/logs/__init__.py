"""Logs: takes in what browsers report, and searches what all services have logged."""
