"""What running models of every framework have in common."""
