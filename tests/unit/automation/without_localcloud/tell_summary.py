"""Tell the driver the engine's summary of an operation: one resource was changed."""

import json
import sys

import grpc
from pulumi.runtime.proto import events_pb2, events_pb2_grpc

SUMMARY = {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": {"update": 1}}
EVENT = {"sequence": 0, "timestamp": 0, "summaryEvent": {**SUMMARY, "policyPacks": {}}}

with grpc.insecure_channel(sys.argv[1].removeprefix("tcp://")) as channel:
    request = events_pb2.EventRequest(event=json.dumps(EVENT))
    events_pb2_grpc.EventsStub(channel).StreamEvents(iter([request]))
