"""Flavors of this machine: artifacts in folders, steps in processes.

Start with `artifact_store.py`.
"""
