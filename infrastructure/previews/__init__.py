"""Previews of artifacts: text and pictures are read here, other formats in a process with limits.

Start with `preview_reader.py`.
"""
