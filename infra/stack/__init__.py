"""What the Makefile asks of a running stack, whichever runtime drives it: its status, and traffic that is counted."""
