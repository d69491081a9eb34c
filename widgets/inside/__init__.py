"""The Inside tab: attention and embeddings of the shown run."""
