"""Carriers and the label store: what we call and who calls us."""
