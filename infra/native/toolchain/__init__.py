"""Gets the real servers: `python -m native toolchain`."""
