"""Dashboard: a tenant's figures at a glance."""
