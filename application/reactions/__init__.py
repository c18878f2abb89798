"""Reactions: functions that are called for events of the log, at least once each.

Start with `reaction.py`.
"""
