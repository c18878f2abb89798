"""Alerts to any URL, signed, or in the form of a chat.

Start with `alerter.py`.
"""
