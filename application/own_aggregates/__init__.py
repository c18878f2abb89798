"""The aggregates of other packages: queries and commands that fit all of them.

Start with `collection.py`.
"""
