"""The deployment of a release: rollout, verdict, releases, the pipeline's transition."""
