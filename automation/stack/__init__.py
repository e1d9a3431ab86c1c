"""Opens a stack: its settings file, target, locks, program and engine operations."""
