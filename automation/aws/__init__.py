"""Reads AWS: one module a service."""
