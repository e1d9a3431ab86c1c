"""The session channel of `exec`."""
