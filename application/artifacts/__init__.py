"""Artifacts: listing, loading, materializing and pruning.

Start with `artifacts.py`.
"""
