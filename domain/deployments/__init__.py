"""Deployments: models that a model deployer serves.

Start with `deployment.py`.
"""
