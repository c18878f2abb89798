"""Exact JSON, which preserves the types of values: `(1, 2)` is written as `{"$tuple": [1, 2]}`.

Start with `encoding.py`.
"""
