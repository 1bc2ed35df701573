"""Dashboard: a tenant's figures."""
