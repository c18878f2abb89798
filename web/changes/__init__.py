"""Changes that are made from the pages: shown first, then confirmed with a reason.

Start with `forms.py`.
"""
