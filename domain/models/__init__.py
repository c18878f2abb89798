"""Models and their versions, and the aliases that versions are promoted to.

Start with `model.py`.
"""
