"""Customs: the Harmonized System's codes, and what parcels declare to hold by them."""
