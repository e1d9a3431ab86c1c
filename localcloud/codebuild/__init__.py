"""AWS CodeBuild of the local cloud: unmodified buildspecs in containers of this machine."""

from localcloud.codebuild.service import CodeBuild

__all__ = ["CodeBuild"]
