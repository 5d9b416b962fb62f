"""The field's training step on a CPU: look-up, networks and their gradients in one pass."""
