"""Checks that run before anything is touched."""
