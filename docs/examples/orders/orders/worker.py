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
        store.write(message.body, f"done by schema {store.read('schema')}")
        message.delete()
        print("worked on", message.body)
