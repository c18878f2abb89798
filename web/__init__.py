"""Pages and a JSON API.

Start with `drawing/graph.py`.
"""
