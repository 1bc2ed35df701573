"""The log explorer's API: for staff, who may look at every line of every service."""
