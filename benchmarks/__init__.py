"""Ratios against named opponents, each measured in the same run."""
