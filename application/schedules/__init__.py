"""Schedules: commands and queries, and what is due.

Start with `schedules.py`; `decisions.py` decides which times are started.
"""
