"""From the log file to the searchable document, through the whole native chain: `make bench`."""
