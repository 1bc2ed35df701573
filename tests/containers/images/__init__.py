"""Stand-ins for Elastic's images: see README.md."""
