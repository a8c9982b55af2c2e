"""What a night's measurements say, from stored nights alone: nothing here trains or knows a repository."""
