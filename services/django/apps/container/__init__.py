"""Containers: consignments that group parcels for one leg of the journey."""
