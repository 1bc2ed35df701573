"""Reports: tables of a tenant's parcels over a period, made by a task."""
