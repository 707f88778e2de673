"""A node's kubelet that is not there: its page of containers over TLS, for whom the API server says that he may read it, as a
real kubelet asks it (TokenReview and SubjectAccessReview)."""
from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
from pathlib import Path

from api_server import ApiServer, ApiServerFailed

IP = "127.0.0.1"
USAGE = 734003200
LABELS = 'container="flink-main-container",id="/kubepods/x",image="flink:1.20",name="x",namespace="flink"'
PAGE = ("# TYPE container_memory_usage_bytes gauge\n"
        f'container_memory_usage_bytes{{{LABELS},pod="orders-7c9f"}} {USAGE} 1795300000000\n'
        f'container_memory_usage_bytes{{{LABELS},pod="payments-7c9f"}} 1 1795300000000\n').encode()


class FakeKubelet:
    def __init__(self, port: int, api: ApiServer, folder: Path) -> None:
        certificate = folder / "kubelet.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=node-1", "-addext", f"subjectAltName=IP:{IP}", "-keyout", str(certificate), "-out",
                        str(folder / "kubelet.crt")], check=True, capture_output=True)
        self.ca_file = folder / "kubelet.crt"
        self.port = port
        self.server = http.server.ThreadingHTTPServer((IP, port), handler(api))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def may_read(api: ApiServer, token: str) -> bool:
    who = api.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})["status"]
    if not who.get("authenticated"):
        return False
    asked = {"user": who["user"]["username"], "groups": who["user"].get("groups", []),
             "resourceAttributes": {"verb": "get", "resource": "nodes", "subresource": "metrics", "name": "node-1"}}
    return api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": asked})["status"]["allowed"]


def handler(api: ApiServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/metrics/cadvisor"
            try:
                allowed = may_read(api, self.headers.get("Authorization", "").removeprefix("Bearer "))
            except (ApiServerFailed, OSError):  # the test stops it for a while
                allowed = False
            body = PAGE if known and allowed else b"Forbidden"
            self.send_response(200 if known and allowed else 403 if known else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
