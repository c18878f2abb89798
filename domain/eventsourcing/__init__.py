"""The base classes of aggregates and events, and the metadata of events.

Start with `aggregate.py`.
"""
