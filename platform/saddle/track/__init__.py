"""MLflow: what it gets of studies, arms and trials, and the outbox that waits for its server."""
