"""Names of artifacts, and their aliases.

Start with `artifact_name.py`.
"""
