"""Azure: artifacts in a container of Azure Blob Storage.

Start with `artifact_store.py`.
"""
