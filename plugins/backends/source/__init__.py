"""What generated source code of every framework has in common."""
