"""What the window asks the processes that look inside a trained network, and what they answer."""
