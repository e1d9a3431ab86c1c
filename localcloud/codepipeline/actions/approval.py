"""The manual approval action.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime

from localcloud.codepipeline.actions.work import Outcome, Work
from localcloud.codepipeline.links import pipeline_url

KIND = ("Approval", "AWS", "Manual", "1")
EXPIRES_SECONDS = 7 * 24 * 3600


def advance(work: Work) -> Outcome:
    """Asks once, then waits for PutApprovalResult."""
    token = str(work.progress.get("token") or "")
    if token:
        return Outcome(token=token, progress=work.progress)
    token = str(uuid.uuid4())
    topic = work.configuration.get("NotificationArn")
    if topic:
        work.client("sns").publish(
            TopicArn=topic,
            Subject=f"APPROVAL NEEDED: AWS CodePipeline {work.pipeline}"[:100],
            Message=_message(work, token),
        )
    return Outcome(token=token, progress={"token": token})


def _message(work: Work, token: str) -> str:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html"""
    link = pipeline_url(work.surroundings, work.pipeline, work.region)
    expires = datetime.fromtimestamp(time.time() + EXPIRES_SECONDS, UTC)
    return json.dumps(
        {
            "region": work.region,
            "consoleLink": link,
            "approval": {
                "pipelineName": work.pipeline,
                "stageName": work.stage,
                "actionName": work.action,
                "token": token,
                "expires": expires.strftime("%Y-%m-%dT%H:%MZ"),
                "externalEntityLink": work.configuration.get("ExternalEntityLink"),
                "approvalReviewLink": f"{link}#/{work.stage}/{work.action}/approve/{token}",
                "customData": work.configuration.get("CustomData"),
            },
        }
    )
