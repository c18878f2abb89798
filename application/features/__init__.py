"""Features in pipelines.

Start with `steps.py`.
"""
