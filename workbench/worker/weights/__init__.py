"""Reads weights files of any origin, safely, and loads them into experiments."""
