"""Model deployments: deploy, query, predict, stop.

Start with `deployments.py`.
"""
