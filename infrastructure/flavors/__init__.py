"""Flavors: a folder per tool; `infrastructure/system/packages.py` lists them.

Start with `local/artifact_store.py`.
"""
