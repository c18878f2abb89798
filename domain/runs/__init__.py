"""Runs, the artifacts that they produce, the stack that they are pinned to, and their cache keys.

Start with `run.py`.
"""
