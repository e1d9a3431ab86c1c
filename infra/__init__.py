"""The Pulumi program: one component a file, pure of any target."""
