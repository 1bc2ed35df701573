"""Users and sign-in by token."""
