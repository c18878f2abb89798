"""Policies: rules of an organization that are in force in a log.

Start with `enabled_policy.py`.
"""
