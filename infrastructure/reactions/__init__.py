"""Runs reactions on the log of a workspace, and stores how far they have come.

Start with `reactions.py`.
"""
