"""Exporters, one family a file."""
