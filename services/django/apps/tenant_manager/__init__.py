"""Tenants: who owns which parcels, and which of them a request speaks for."""
