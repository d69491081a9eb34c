"""A run is a folder: its files, its events, its commands, and the state they add up to."""
