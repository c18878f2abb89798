"""JSON that restores Python values exactly: `(1, 2)` is written as `{"$tuple": [1, 2]}`.

Start with `encoding.py`.
"""
