"""Loading and saving aggregates, projections, constraints and snapshots.

Start with `repository.py`.
"""
