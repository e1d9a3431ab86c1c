"""The stack's settings: their types, their rules, what a preview changes, and their document."""
