"""The worker: takes orders from the queue, works on each, and writes the result."""

import os
import time
from pathlib import Path

import store

Path("/tmp/ready").touch()
print("the worker is ready")
while True:
    for message in store.queue.receive_messages(WaitTimeSeconds=5):
        time.sleep(float(os.environ["SECONDS_AN_ORDER"]))
        ((schema,),) = store.ask("SELECT max(name) FROM schemas")
        store.ask(
            "INSERT INTO orders VALUES (:name, :result) ON CONFLICT DO NOTHING",
            name=message.body,
            result=f"done by schema {schema}",
        )
        message.delete()
        print("worked on", message.body)
