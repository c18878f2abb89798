"""Pipelines before they run: parameters from texts, fingerprints of their code, their images.

Start with `images.py`.
"""
