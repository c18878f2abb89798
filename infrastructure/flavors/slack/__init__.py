"""Alerts and questions in a channel of Slack.

Start with `alerter.py`.
"""
