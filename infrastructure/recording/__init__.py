"""Recorded requests: what gateways pass on is written into batches, and moved to artifact stores.

Start with `recorder.py`, the program that writes; `spools.py` is the side of the commands.
"""
