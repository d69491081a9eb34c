"""PyTorch as a backend."""

PLUG_INS = ("backend",)
