"""The command line: a file per noun; each command parses, makes one call, and prints.

Start with `main.py`.
"""
