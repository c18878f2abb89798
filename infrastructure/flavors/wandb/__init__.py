"""Weights & Biases: experiment tracking.

Start with `experiment_tracker.py`.
"""
