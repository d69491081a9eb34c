"""What a pointer does between press and release: one class a gesture."""
