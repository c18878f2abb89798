"""SQLite and PostgreSQL behind one protocol.

Start with `protocol.py`.
"""
