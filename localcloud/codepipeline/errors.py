"""CodePipeline's refusals, in its own codes.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/CommonErrors.html and each operation's
list of errors.
"""

from __future__ import annotations

from localcloud.shared.service import Call, ServiceError


def pipeline_not_found(call: Call, name: str) -> ServiceError:
    """No such pipeline in the call's region."""
    return ServiceError(
        "PipelineNotFoundException",
        f"Account '{call.account}' does not have a pipeline with name '{name}'",
    )


def stage_not_found(pipeline: str, stage: str) -> ServiceError:
    """The pipeline has no such stage."""
    return ServiceError(
        "StageNotFoundException", f"The stage '{stage}' does not exist in pipeline '{pipeline}'"
    )


def action_not_found(stage: str, action: str) -> ServiceError:
    """The stage has no such action."""
    return ServiceError(
        "ActionNotFoundException", f"The action '{action}' does not exist in stage '{stage}'"
    )


def execution_not_found(identifier: str) -> ServiceError:
    """No such execution, or one that is no longer remembered."""
    return ServiceError(
        "PipelineExecutionNotFoundException",
        f"The pipeline execution '{identifier}' does not exist",
    )


def webhook_not_found(name: str) -> ServiceError:
    """No such webhook."""
    return ServiceError("WebhookNotFoundException", f"Webhook '{name}' does not exist")


def invalid_next_token() -> ServiceError:
    """The token of a page that was not handed out."""
    return ServiceError("InvalidNextTokenException", "The next token is not of an earlier answer")


def structure(message: str) -> ServiceError:
    """The pipeline's structure is wrong."""
    return ServiceError("InvalidStructureException", message)


def action(message: str) -> ServiceError:
    """An action's declaration is wrong."""
    return ServiceError("InvalidActionDeclarationException", message)


def stage(message: str) -> ServiceError:
    """A stage's declaration is wrong."""
    return ServiceError("InvalidStageDeclarationException", message)


def validation(message: str) -> ServiceError:
    """A request's member is wrong."""
    return ServiceError("ValidationException", message)


def unsupported(what: str) -> ServiceError:
    """What the local cloud does not run, where AWS does."""
    return ServiceError(
        "ValidationException",
        f"The local cloud's CodePipeline does not run {what}; leave it out or use AWS.",
    )
