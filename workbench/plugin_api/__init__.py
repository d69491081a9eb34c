"""All that a plug-in may import: one contract a file."""
