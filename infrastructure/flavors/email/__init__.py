"""Alerts by e-mail.

Start with `alerter.py`.
"""
