"""Flavors of Feast: the feature store.

Start with `feature_store.py`.
"""
