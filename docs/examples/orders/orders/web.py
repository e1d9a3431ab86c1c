"""The web process: takes orders (POST /orders/NAME) and shows them (GET /orders/NAME)."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import store

VERSION = "1"


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path in ("/", "/health"):
            self.answer(200, f"orders {VERSION}")
        elif self.path == "/report":
            self.answer(200, store.bucket.Object("report").get()["Body"].read().decode())
        elif rows := store.ask("SELECT result FROM orders WHERE name = :name", name=self.path):
            self.answer(200, rows[0][0])
        else:
            self.answer(404, "there is no such order")

    def do_POST(self) -> None:
        store.queue.send_message(MessageBody=self.path)
        self.answer(202, "taken")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """The load balancer's health checks are not logged."""


ThreadingHTTPServer(("", int(os.environ["PORT"])), Orders).serve_forever()
