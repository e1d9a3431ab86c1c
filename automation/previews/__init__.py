"""Preview stacks: names, expiry, branches, the pull request's comment."""
