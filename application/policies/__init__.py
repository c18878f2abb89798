"""Policies: declaring, enabling, disabling and listing them.

Start with `policy.py`, which programs declare policies with.
"""
