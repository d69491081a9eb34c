"""Everything Qt: draws values and calls the session; computes nothing."""
