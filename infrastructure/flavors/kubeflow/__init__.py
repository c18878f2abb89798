"""Kubeflow Pipelines: whole runs, handed over and followed."""
