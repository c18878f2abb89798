"""Models: register, promote versions, compare, and answer what was promoted when.

Start with `models.py`.
"""
