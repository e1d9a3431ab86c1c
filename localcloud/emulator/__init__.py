"""moto in this process, with what it lacks added, and its state on disk."""
