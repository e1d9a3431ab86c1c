"""What every service of the local cloud uses."""
