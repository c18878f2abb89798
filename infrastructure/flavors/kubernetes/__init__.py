"""Kubernetes: steps that are executed as Jobs of a cluster.

Start with `orchestrator.py` and `jobs.py`.
"""
