"""Repairs the state: refresh after data loss, pending creations, drift."""
