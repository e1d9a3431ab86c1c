"""Where orders are kept: a queue, a database and a bucket, which addons.py makes."""

import os
from typing import Any

import boto3
import pg8000.native

bucket = boto3.resource("s3").Bucket(os.environ["REPORTS_BUCKET"])
queue = boto3.resource("sqs").Queue(os.environ["ORDERS_QUEUE"])


def ask(text: str, **values: object) -> list[list[Any]]:
    """The rows that a statement returns, on a connection of its own."""
    database = pg8000.native.Connection(
        os.environ["DATABASE_USER"],
        host=os.environ["DATABASE_HOST"],
        port=int(os.environ["DATABASE_PORT"]),
        database=os.environ["DATABASE_NAME"],
        password=os.environ["DATABASE_PASSWORD"],
        timeout=10,
    )
    try:
        return database.run(text, **values) or []
    finally:
        database.close()
