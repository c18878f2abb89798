"""The past of aggregates: history entries, and the differences between revisions.

Start with `views.py`.
"""
