"""Where networks come from, one place a file."""
