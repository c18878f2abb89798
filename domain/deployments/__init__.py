"""Deployments: models that are served."""
