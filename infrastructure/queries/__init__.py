"""Queries: plain SQL over read models and the log, a file per subject.

Start with `stacks.py`.
"""
