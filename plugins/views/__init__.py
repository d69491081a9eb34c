"""Views, one family a file."""
