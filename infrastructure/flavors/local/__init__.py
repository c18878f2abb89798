"""This machine: its folders keep artifacts, its processes execute steps."""
