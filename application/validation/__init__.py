"""Validation of data by steps, and the pages of its reports.

Start with `steps.py`.
"""
