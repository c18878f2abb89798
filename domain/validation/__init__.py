"""Results of data validators.

Start with `validation_report.py`.
"""
