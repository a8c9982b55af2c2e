"""The attacks of a validation and a test: which, in what order, and on the samples of a split."""
