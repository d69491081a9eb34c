"""Launchers, one family a file."""
