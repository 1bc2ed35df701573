"""Onboarding: the sign-up of a tenant and its first user."""
