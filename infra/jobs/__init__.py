"""Scheduled jobs of the running release."""
