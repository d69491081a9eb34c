"""Neural Workbench without its window: documents, analysis, runs and the training worker."""

__version__ = "0.1.0"
