"""What the stack stores, and the key that encrypts it."""
