"""What runs beside a task: credentials, secrets, logs, metadata."""
