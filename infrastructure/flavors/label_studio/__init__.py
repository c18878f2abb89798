"""Flavors of Label Studio: the annotator.

Start with `annotator.py`.
"""
