"""GCS: artifacts in a bucket of Google Cloud Storage.

Start with `artifact_store.py`.
"""
