"""A worker with real containers: its queue brings it from 0 and back; all go back together.

The tests share one stack and run in the order in which they stand.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import faulty
from tests.e2e.checkout import Checkout

STACK = ("--stack", "local")
QUEUE = "orders"
HELD = "MaximumMessageSize"
"""The attribute of the queue by which the test holds the worker's work back."""
HELD_AT, LET_GO_AT = "2048", "4096"

WORKER = r'''"""Takes messages from QUEUE_URL by its task role, and holds each for the test."""
import datetime, hashlib, hmac, json, os, time, urllib.parse, urllib.request

keys = json.load(urllib.request.urlopen(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]))
end_point, region = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"]


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def call(operation, **members):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html"""
    body = json.dumps({"QueueUrl": os.environ["QUEUE_URL"], **members})
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": urllib.parse.urlparse(end_point).netloc,
        "x-amz-date": now,
        "x-amz-security-token": keys["Token"],
        "x-amz-target": "AmazonSQS." + operation,
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    signed = ";".join(headers)
    content = hashlib.sha256(body.encode()).hexdigest()
    request = f"POST\n/\n\n{lines}\n{signed}\n{content}"
    scope = f"{now[:8]}/{region}/sqs/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in (now[:8], region, "sqs", "aws4_request"):
        key = mac(key, part)
    credential = keys["AccessKeyId"] + "/" + scope
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, "
        f"Signature={mac(key, text).hex()}"
    )
    sent = urllib.request.Request(end_point, body.encode(), headers)
    return json.loads(urllib.request.urlopen(sent).read() or "{}")


def held():
    told = call("GetQueueAttributes", AttributeNames=["MaximumMessageSize"])
    return told["Attributes"]["MaximumMessageSize"] == "2048"


open("/tmp/ready", "w").close()
print("waiting for messages", flush=True)
while True:
    for message in call("ReceiveMessage", WaitTimeSeconds=5).get("Messages", []):
        while held():
            time.sleep(1)
        call("DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
        print("worked on", message["Body"], flush=True)
'''


def worker(url: str, **others: object) -> dict[str, object]:
    return {
        "command": ["python3", "/worker.py"],
        "environment": {"QUEUE_URL": url},
        "health_check_command": ["test", "-f", "/tmp/ready"],  # noqa: S108 - in the container
        "min_count": 0,
        "max_count": 3,
        "messages_per_task": 2,
        **others,
    }


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """The queue's, which is there before the stack."""
    faulty.prepare(checkout, desired_count=1)
    assert checkout.run("local", "start").returncode == 0
    attributes = {"VisibilityTimeout": "3600", HELD: HELD_AT}
    made = checkout.client("sqs").create_queue(QueueName=QUEUE, Attributes=attributes)
    return str(made["QueueUrl"])


@pytest.fixture(scope="module")
def queue(checkout: Checkout, url: str) -> str:
    """The queue's ARN."""
    sqs = checkout.client("sqs")
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(told["Attributes"]["QueueArn"])


@pytest.fixture(scope="module")
def stack(checkout: Checkout, url: str, queue: str) -> Checkout:
    folder = checkout.root / "faulty"
    (folder / "worker.py").write_text(WORKER)
    (folder / "Dockerfile").write_text(
        faulty.DOCKERFILE.replace("COPY faulty.py", "COPY worker.py /worker.py\nCOPY faulty.py")
    )
    checkout.configure(processes={"worker": worker(url, queue=queue)})
    return checkout


def process(checkout: Checkout) -> dict[str, Any]:
    """What `status` tells of the worker."""
    return dict(checkout.json("status", *STACK)["processes"]["worker"])


def lines(checkout: Checkout, name: str) -> list[str]:
    events: Any = checkout.json("logs", *STACK, "--since", "1h", "--process", name)
    return [str(event["message"]) for event in events]


def test_both_are_released_and_the_worker_has_no_task(stack: Checkout) -> None:
    told = faulty.up(stack)
    assert told["processes"] == {"web": "succeeded", "worker": "succeeded"}
    assert (process(stack)["desired"], process(stack)["running"]) == (0, 0)


def test_messages_bring_as_many_tasks_as_they_call_for_and_none_leaves_none(
    stack: Checkout, url: str
) -> None:
    """No message is done before three tasks run: then nothing depends on how fast they start."""
    sqs = stack.client("sqs")
    for number in range(6):
        sqs.send_message(QueueUrl=url, MessageBody=f"order {number}")
    faulty.until_running(stack, 3, "worker")
    assert process(stack)["running"] == 3
    sqs.set_queue_attributes(QueueUrl=url, Attributes={HELD: LET_GO_AT})
    faulty.until_said(stack, "worked on", 6)
    assert len([line for line in lines(stack, "worker") if "worked on" in line]) == 6
    faulty.until_running(stack, 0, "worker")
    assert process(stack)["running"] == 0
    assert not [line for line in lines(stack, "web") if "worked on" in line]


def test_a_bad_release_of_the_worker_alone_takes_all_back_and_the_web_process_loses_nothing(
    stack: Checkout, url: str, queue: str
) -> None:
    stack.configure(processes={"worker": worker(url, queue=queue, min_count=1)})
    faulty.up(stack)
    faulty.until_running(stack, 1, "worker")
    before = stack.json("status", *STACK)["release"]["number"]
    stack.configure(
        environment={"COLOUR": "red"},
        processes={"worker": worker(url, queue=queue, min_count=1, command=["false"])},
    )
    with faulty.Visitor(str(stack.json("outputs", *STACK)["service_url"])) as visitor:
        told = faulty.up(stack, 1)
    assert told["result"] == "rolled_back", told
    assert told["processes"] == {"web": "rolled_back", "worker": "rolled_back"}
    assert "exited with code 1" in told["diagnosis"]["cause"]
    assert visitor.faults == []
    assert visitor.answers > 0
    definition = stack.client("ecs").describe_task_definition(
        taskDefinition=stack.client("ecs").describe_services(
            cluster="fargate-cd-local", services=["fargate-cd-local"]
        )["services"][0]["taskDefinition"]
    )["taskDefinition"]
    assert "COLOUR" not in str(definition["containerDefinitions"][0]["environment"])
    assert stack.json("status", *STACK)["release"]["number"] >= before
    faulty.until_running(stack, 1, "worker")
    assert process(stack)["running"] == 1


def test_the_next_good_release_takes_both_on(stack: Checkout, url: str, queue: str) -> None:
    stack.configure(processes={"worker": worker(url, queue=queue, min_count=1)})
    told = faulty.up(stack)
    assert told["processes"] == {"web": "succeeded", "worker": "succeeded"}
