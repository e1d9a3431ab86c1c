"""Finds and removes what a destroyed stack has left."""
