"""History, diff, revert and undo.

Start with `reverts.py`.
"""
