"""Secrets: references in configurations, storage, and redaction of output.

Start with `secrets.py`.
"""
