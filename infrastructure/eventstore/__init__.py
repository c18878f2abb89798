"""The event log: recorder, hash chain, projector, verification, rebuild, export and fork.

Start with `recorder.py`.
"""
