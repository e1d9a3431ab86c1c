"""A small web service: says hello, and which release of it is talking."""
