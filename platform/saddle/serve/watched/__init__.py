"""What the pages show, read from the storage alone: who drives a study, and where, makes no difference."""
