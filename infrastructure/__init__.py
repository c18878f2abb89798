"""Databases, files, processes and third-party tools, and what wires them to the application.

Start with `workspace.py`, the composition root.
"""
