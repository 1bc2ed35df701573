"""Data governance: retention, anonymisation and the audit log of who did what."""
