"""The driver: every verb of `automation/run.py`, on Pulumi's Automation API."""
