"""Runs schedules: a process that waits for their times, and one for each run that it starts.

Start with `scheduler.py`.
"""
