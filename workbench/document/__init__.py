"""The experiment document: a frozen value, its edits, its history and its files."""
