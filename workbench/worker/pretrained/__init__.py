"""Networks from elsewhere: imported, compared with what they were, made into an experiment."""
