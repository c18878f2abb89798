"""Policies: those that this process has, and asking the enabled ones before a commit.

Start with `judge.py`.
"""
