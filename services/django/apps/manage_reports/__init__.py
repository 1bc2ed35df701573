"""Reports: made by tasks, with progress."""
