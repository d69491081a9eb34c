"""The drawing of the network and the gestures on it."""
