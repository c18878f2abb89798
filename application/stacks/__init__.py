"""Commands and queries for stacks, components and flavors.

Start with `stacks.py`.
"""
