"""Preprocessing and augmentation, one family a file."""
