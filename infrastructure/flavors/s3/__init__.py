"""S3: a bucket that keeps artifacts."""
