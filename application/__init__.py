"""Commands and queries, one folder per subject, free of technology.

Start with `aggregates.py`, which lists the aggregates.
"""
