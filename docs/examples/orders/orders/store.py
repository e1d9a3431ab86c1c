"""Where orders are kept: a bucket and a queue, which addons.py makes."""

import os

import boto3

bucket = boto3.resource("s3").Bucket(os.environ["ORDERS_BUCKET"])
queue = boto3.resource("sqs").Queue(os.environ["ORDERS_QUEUE"])


def read(name: str) -> str | None:
    """What lies under a name in the bucket; None if there is nothing."""
    try:
        return bucket.Object(name).get()["Body"].read().decode()
    except bucket.meta.client.exceptions.NoSuchKey:
        return None


def write(name: str, text: str) -> None:
    bucket.Object(name).put(Body=text.encode())
