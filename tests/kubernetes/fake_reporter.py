"""Prometheus reporters of TaskManagers that are not there: one address of 127.0.0.0/8 for each, one port for all."""
from __future__ import annotations

import http.server
import threading


class FakeReporters:
    def __init__(self, port: int, ips: list[str]) -> None:
        self.servers = [http.server.ThreadingHTTPServer((ip, port), handler(ip)) for ip in ips]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


def handler(ip: str) -> type[http.server.BaseHTTPRequestHandler]:
    body = ("# TYPE flink_taskmanager_Status_JVM_Threads_Count gauge\n"
            f'flink_taskmanager_Status_JVM_Threads_Count{{host="{ip}",tm_id="{ip.replace(".", "_")}",}} 40.0\n').encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
