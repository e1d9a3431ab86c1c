"""What this machine needs: Docker, packages, the local cloud."""
