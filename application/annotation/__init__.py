"""Labels in pipelines.

Start with `steps.py`.
"""
