"""One function a verb; `run.py` maps the command line to them."""
