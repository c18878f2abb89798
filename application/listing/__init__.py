"""Lists: filters, order and pages; and references to single rows.

Start with `listing.py`.
"""
