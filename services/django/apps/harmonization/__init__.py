"""Harmonization: HS codes, which customs sort goods by."""
