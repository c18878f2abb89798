"""The flavor that checks data with pandera.

Start with `data_validator.py`.
"""
