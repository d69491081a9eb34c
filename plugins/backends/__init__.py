"""Backends, one family a file."""

PLUG_INS = ("keras", "pytorch")
