"""The image: repository, build context, and which image the service runs."""
