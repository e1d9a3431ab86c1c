"""What is charged for resources that keep data: tables, queues and databases."""

from __future__ import annotations

from collections.abc import Iterator

from automation.pricing.lines import Line, Stack
from automation.pricing.resources import Resource
from automation.pricing.table import assumptions

TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
DATABASE = "aws:rds/instance:Instance"


def database_price(database: Resource) -> str:
    """The key of a database's price by its class."""
    return f"database_{database.inputs.get('instanceClass')}"


def tables(stack: Stack) -> Iterator[Line]:
    """A table is paid by request, or by the capacity that is kept for it."""
    hours = assumptions()["hours"].value
    for table in stack.resources.of(TABLE):
        item = f"DynamoDB table {table.name}"
        if table.inputs.get("billingMode") == "PAY_PER_REQUEST":
            requests = assumptions()["table_million_requests"].value
            yield stack.line("table_writes", f"{item}: writes", requests, True)
            yield stack.line("table_reads", f"{item}: reads", requests, True)
        else:
            for kind in ("write", "read"):
                units = float(table.inputs.get(f"{kind}Capacity") or 1)
                yield stack.line(f"table_{kind}_units", f"{item}: {kind} units", units * hours)
        kept = assumptions()["table_gb"].value
        yield stack.line("table_storage", f"{item}: kept", kept, True)


def queues(stack: Stack) -> Iterator[Line]:
    """A queue is paid by request; the first million of an account costs nothing."""
    for queue in stack.resources.of(QUEUE):
        fifo = "fifo_" if queue.inputs.get("fifoQueue") else ""
        requests = assumptions()["queue_million_requests"].value
        yield stack.line(f"queue_{fifo}requests", f"SQS queue {queue.name}", requests, True)


def databases(stack: Stack) -> Iterator[Line]:
    """A database is paid by the hour of its class, and by what its disk can hold.

    With a standby in another zone both are twice as much. A class without a price has no line, and
    is told beside the types that have none.
    """
    hours = assumptions()["hours"].value
    for database in stack.resources.of(DATABASE):
        copies = 2 if database.inputs.get("multiAz") else 1
        item = f"RDS {database.name}"
        key = database_price(database)
        if key in stack.table.prices:
            size = database.inputs["instanceClass"]
            yield stack.line(key, f"{item}: {copies} x {size}", copies * hours)
        disk = float(database.inputs.get("allocatedStorage") or 0)
        yield stack.line("database_storage", f"{item}: disk of {disk:g} GB", copies * disk)
