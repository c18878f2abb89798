"""S3: artifacts in a bucket.

Start with `artifact_store.py`.
"""
