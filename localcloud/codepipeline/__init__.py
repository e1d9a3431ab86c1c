"""AWS CodePipeline of the local cloud: its API, its webhooks, and an executor that runs stages."""

from localcloud.codepipeline.service import CodePipeline

__all__ = ["CodePipeline"]
