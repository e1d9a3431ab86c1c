"""The background process of the local cloud: start, services, addresses, base image."""
