"""A second service of the environment, which answers below /api."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.path in ("/health", "/api") or self.path.startswith("/api/")
        text = b"the api" if known else b"not the api's path"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """The load balancer's health checks are not logged."""


ThreadingHTTPServer(("", int(os.environ["PORT"])), Api).serve_forever()
