"""This machine: home folder, author, projects, installed packages, and claims of runs.

Start with `home.py`.
"""
