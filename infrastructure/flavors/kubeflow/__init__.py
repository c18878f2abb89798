"""Kubeflow Pipelines: runs that its API server executes.

Start with `orchestrator.py`.
"""
