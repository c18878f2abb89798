"""The rules of stacks, pipelines, runs and deployments, free of technology.

Start with `eventsourcing/aggregate.py`, then `stacks/stack.py`.
"""
