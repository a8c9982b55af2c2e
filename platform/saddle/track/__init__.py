"""MLflow: what it gets about studies, arms and trials, and the outbox of messages that wait for its server."""
