"""Schedules: when runs of a pipeline start by themselves.

Start with `schedule.py`; `times.py` computes when.
"""
