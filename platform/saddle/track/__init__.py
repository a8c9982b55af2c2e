"""MLflow: what it is told of studies, arms and trials, and the outbox that waits for its server."""
