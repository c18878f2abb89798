"""The pages: each module has the content of a page as a tuple, and the function that reads it.

Start with `visit.py`.
"""
