"""Ray: executes runs or single steps on a cluster.

Start with `orchestrator.py`.
"""
