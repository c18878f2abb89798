"""Weights & Biases: runs that are tracked by it."""
