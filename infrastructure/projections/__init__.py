"""Projections of programs: where they store their rows, and how they follow the log.

Start with `follower.py`.
"""
