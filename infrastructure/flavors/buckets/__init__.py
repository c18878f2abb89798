"""Buckets: what the artifact stores `s3`, `gcs` and `azure` share.

Start with `artifact_store.py`.
"""
