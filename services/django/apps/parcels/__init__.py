"""Parcels: created, scanned on their way, tracked."""
