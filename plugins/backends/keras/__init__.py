"""Keras as a backend, on TensorFlow, JAX or PyTorch."""

PLUG_INS = ("backend",)
