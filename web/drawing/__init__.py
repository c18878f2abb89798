"""Graphs, strips of runs and charts as SVG: pure functions that need no style sheet or script.

Start with `graph.py`.
"""
