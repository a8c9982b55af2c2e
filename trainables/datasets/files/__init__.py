"""Files and folders, on this machine or on S3."""
