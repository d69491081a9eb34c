"""Data sources, one family a file."""
