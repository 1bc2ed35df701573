"""Branded tracking: each tenant's public page, where a recipient follows a parcel without signing in."""
