"""The worker process: trains what is in a run folder and writes what happens there."""
