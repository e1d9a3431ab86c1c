"""What SQS tells CloudWatch of its queues once a minute.

A queue counts as active as long as it exists; on AWS it tells nothing after six quiet hours.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NAMESPACE = "AWS/SQS"
PERIOD_SECONDS = 60


def data(queue: Any, now: float) -> list[dict[str, Any]]:
    """The data of the minute that has just ended.

    Args:
        queue: the emulator's.
        now: seconds since the epoch.
    """
    minute = datetime.fromtimestamp(now // PERIOD_SECONDS * PERIOD_SECONDS - PERIOD_SECONDS, UTC)
    in_flight = queue.approximate_number_of_messages_not_visible
    found: dict[str, tuple[float, str]] = {
        "ApproximateNumberOfMessagesVisible": (queue.approximate_number_of_messages, "Count")
    }
    if in_flight:
        found["ApproximateNumberOfMessagesNotVisible"] = (in_flight, "Count")
    sent = [message.sent_timestamp for message in queue._messages if message.sent_timestamp]
    if sent:
        age = max(0.0, now - min(sent) / 1000)
        found["ApproximateAgeOfOldestMessage"] = (round(age), "Seconds")
    return [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "QueueName", "Value": queue.name}],
            "Timestamp": minute,
            "Value": float(value),
            "Unit": unit,
        }
        for name, (value, unit) in found.items()
    ]
