"""The flavor that finds drift of data and models with Evidently.

Start with `data_validator.py`.
"""
