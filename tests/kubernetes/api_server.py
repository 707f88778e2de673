"""A real kube-apiserver with its etcd on 127.0.0.1, in a folder of its own, and a client for it.

No controllers and no kubelet run: nobody but the test creates, kills or deletes pods.
"""
from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from ports import free_block
from processes import Process

READY_WITHIN_S = 120
ADMIN_TOKEN = "for-this-run-only"


class ApiServerFailed(RuntimeError):
    pass


class ApiServer:
    def __init__(self, etcd: Path, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.port = free_block(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificates = folder / "certificates"
        self.ca_file = self.certificates / "apiserver.crt"  # it makes itself one
        folder.mkdir(parents=True, exist_ok=True)
        client, peer = (f"http://127.0.0.1:{self.port + i}" for i in (1, 2))
        self.etcd_url = client
        self.etcd = Process("etcd", [str(etcd), "--data-dir", str(folder / "etcd"), "--listen-client-urls", client,
                                     "--advertise-client-urls", client, "--listen-peer-urls", peer,
                                     "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
                                     "--unsafe-no-fsync"], folder / "etcd.log")
        key = folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        tokens = folder / "tokens.csv"
        tokens.write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")
        self.command = [str(program), "--etcd-servers", client, "--secure-port", str(self.port), "--bind-address=127.0.0.1",
                        "--cert-dir", str(self.certificates), "--service-account-issuer=https://kubernetes.default.svc",
                        "--service-account-key-file", str(key), "--service-account-signing-key-file", str(key),
                        "--token-auth-file", str(tokens), "--authorization-mode=RBAC",
                        "--service-cluster-ip-range=10.0.0.0/24"]
        self.start()

    def start(self) -> None:
        self.process = Process("kube-apiserver", self.command, self.folder / "kube-apiserver.log")
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            if not self.process.alive():
                raise ApiServerFailed("kube-apiserver ended; its last lines:\n" + self.process.tail())
            try:
                if self.call("GET", "/readyz") == "ok":
                    return
            except (OSError, ApiServerFailed):
                pass
            if time.monotonic() > deadline:
                raise ApiServerFailed(f"kube-apiserver is not ready after {READY_WITHIN_S} s:\n" + self.process.tail())
            time.sleep(0.5)

    def stop(self) -> None:
        self.process.stop(grace_s=10)

    def shows(self, authority: Path, certificate: Path, key: Path) -> None:
        """From its next start."""
        self.ca_file = authority
        shutil.copy(certificate, self.certificates / "apiserver.crt")
        shutil.copy(key, self.certificates / "apiserver.key")

    def forget(self, key: str) -> None:
        """Takes one object out of etcd, and from etcd all that it remembers of before: only a list tells that it is gone."""
        deleted = self.ask_etcd("kv/deleterange", {"key": base64.b64encode(key.encode()).decode()})
        if deleted.get("deleted") != "1":
            raise ApiServerFailed(f"etcd has no {key}")
        self.ask_etcd("kv/compaction", {"revision": deleted["header"]["revision"], "physical": True})

    def ask_etcd(self, what: str, body: object) -> dict:
        request = urllib.request.Request(f"{self.etcd_url}/v3/{what}", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json",
             token: str = ADMIN_TOKEN) -> object:
        """The answer: decoded JSON, or text. Raises for everything that is not 2xx."""
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": "Bearer " + token, "Content-Type": kind})
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        try:
            with urllib.request.urlopen(request, timeout=20, context=trust) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise ApiServerFailed(f"{method} {path}: {error.code}: {error.read().decode()[:400]}") from error
        try:
            return json.loads(text)
        except ValueError:
            return text
