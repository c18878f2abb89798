"""The JSON API: the queries of a workspace, as objects, described by an OpenAPI document.

Start with `operations.py`; each other module with a noun's name has the operations of that noun.
"""
