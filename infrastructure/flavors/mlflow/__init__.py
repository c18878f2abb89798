"""MLflow: experiment tracking, and model servers.

Start with `experiment_tracker.py`.
"""
