"""From a push to a release: source, builds, pipeline, and the access of GitHub's workflows."""
