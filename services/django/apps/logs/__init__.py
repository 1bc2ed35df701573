"""Logs: takes in what browsers report."""
