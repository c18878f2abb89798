"""Stackfold at Acme: change freezes, and the flavors of its stacks. Start with `freeze.py`."""
