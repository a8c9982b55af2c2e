"""A storage in a bucket of any S3-compatible endpoint."""
