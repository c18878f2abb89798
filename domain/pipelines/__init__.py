"""Steps and pipelines: from decorated functions to a validated graph.

Start with `pipeline.py`, then `graph_builder.py`.
"""
