"""Pulumi resource providers of the local cloud, one package or module for each Pulumi package."""
