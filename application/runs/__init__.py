"""Running pipelines: from a graph and a pinned stack to a recorded run.

Start with `runs.py`, then `launcher.py`.
"""
