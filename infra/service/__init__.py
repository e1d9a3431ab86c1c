"""The ECS service: cluster, task definition, roles, logs, scaling."""
