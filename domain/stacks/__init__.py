"""Stacks, components, flavors and activations: the aggregates that describe what pipelines run on.

Start with `stack.py`.
"""
