"""What a study will run and cost, and what it needs before its first trial."""
