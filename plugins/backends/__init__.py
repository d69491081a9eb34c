"""Backends, one family a file."""
