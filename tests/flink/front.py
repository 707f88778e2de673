"""A real nginx before a real Flink: private CA, client certificates, a password, a path prefix, a redirect. `check` must come
to the same judgement through it, and say clearly what was wrong when it is not let in."""
from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path

from ports import free_block
from processes import Process
from reporter import scrape
from rest import until

CHECK_TIMEOUT_S = 90
COMPARISONS = 3
START_TIMEOUT_S = 20
USER, PASSWORD = "doctor", "canary-4711"

CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;
  server {{
    listen 127.0.0.1:{rest} ssl;
    auth_basic "flink"; auth_basic_user_file {folder}/users;
    location /flink/ {{ proxy_pass {flink}/; }}
    location /moved/ {{ return 302 https://127.0.0.1:{rest}/flink/; }}
  }}
  server {{
    listen 127.0.0.1:{reporter} ssl;
    location / {{ proxy_pass http://{reporter_address}; }}
  }}
}}
"""


class Front:
    def __init__(self, nginx: Path, doctor: Path, folder: Path, flink_url: str, reporter_address: str) -> None:
        """`reporter_address`: HOST:PORT of one process's reporter."""
        self.doctor, self.folder = doctor, folder
        self.flink_url, self.reporter_address = flink_url, reporter_address
        self.rest_port, self.reporter_port = free_block(1), free_block(1)
        self.checks: list[tuple[str, str]] = []  # what, and what was wrong or nothing
        folder.mkdir(parents=True, exist_ok=True)
        self.make_certificates()
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "wrong-password").write_text("guess\n")
        for secret in ("password", "wrong-password", "client.key"):
            (folder / secret).chmod(0o600)
        hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True)
        (folder / "users").write_text(f"{USER}:{hashed.stdout.strip()}\n")
        (folder / "users").chmod(0o644)
        (folder / "nginx.conf").write_text(CONF.format(folder=folder, rest=self.rest_port, flink=flink_url,
                                                       reporter=self.reporter_port, reporter_address=reporter_address))
        self.process = Process("nginx", [str(nginx), "-p", str(folder), "-c", str(folder / "nginx.conf")],
                               folder / "nginx.log")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # ---- certificates, by openssl's own command

    def make_certificates(self) -> None:
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
        for name in ("server", "client"):
            self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                         "-keyout", f"{name}.key", "-out", f"{name}.csr")
            (self.folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                         "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.reporter_port)) == 0

    # ---- the checks

    def run(self) -> None:
        until("nginx listens", self.listens, START_TIMEOUT_S)
        self.note("TLS with client certificate, password and path prefix, reporter too", self.compare())
        self.refused("without a client certificate", "certificate",
                     self.check("/flink", *self.credentials(certificate=False)))
        self.refused("with a wrong password", "401", self.check("/flink", *self.credentials(password="wrong-password")))
        self.refused("an authority nobody told of", "certificate",
                     self.check("/flink", *self.credentials(authority=False)))
        self.refused("a redirect", "redirect", self.check("/moved", *self.credentials()))

    def compare(self) -> str:
        """What differs through the front, nothing if it is the same. Three times at the most: faults come and go between looks,
        and a job's time of grace may end between them."""
        plain = [self.flink_url, "--reporter", self.reporter_address]
        wrong = ""
        before = self.ask(plain)
        for attempt in range(COMPARISONS):
            through = self.check("/flink", *self.credentials(), "--reporter", f"https://127.0.0.1:{self.reporter_port}")
            after = self.ask(plain)
            for name, answer in (("before", before), ("through", through), ("after", after)):
                (self.folder / f"{name}-{attempt}.json").write_text(answer[1])
            wrong = self.same(through, before, after)
            if not wrong:
                return ""
            before = after
        return wrong

    def credentials(self, certificate: bool = True, authority: bool = True, password: str = "password") -> list[str]:
        flags = ["--basic-auth-user", USER, "--basic-auth-password-file", str(self.folder / password)]
        if authority:
            flags += ["--ca-file", str(self.folder / "ca.pem")]
        if certificate:
            flags += ["--cert-file", str(self.folder / "client.pem"), "--key-file", str(self.folder / "client.key")]
        return flags

    def check(self, path: str, *flags: str) -> tuple[int, str, str]:
        return self.ask([f"https://127.0.0.1:{self.rest_port}{path}", *flags])

    def ask(self, arguments: list[str]) -> tuple[int, str, str]:
        command = [str(self.doctor), "check", *arguments, "--format", "json", "--quiet"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return -1, "", f"did not end within {CHECK_TIMEOUT_S} s"
        return done.returncode, done.stdout, done.stderr

    def same(self, through: tuple[int, str, str], before: tuple[int, str, str], after: tuple[int, str, str]) -> str:
        """What differs between the judgement through the front and those without, shortly before and after it."""
        if through[0] not in (0, 1, 2):
            return f"ended with {through[0]}: {through[2].strip()[:300]}"
        if PASSWORD in through[1] + through[2]:
            return "the password is in the output"
        documents = [json.loads(answer[1]) for answer in (through, before, after)]
        down = [source["address"] for source in documents[0]["clusters"][0]["sources"] if not source["up"]]
        if down:
            return f"not read: {', '.join(down)}"
        here, *there = ({about(finding) for finding in document["findings"]} for document in documents)
        lacks, invents = sorted((there[0] & there[1]) - here), sorted(here - (there[0] | there[1]))
        return f"through it {lacks} is not found, {invents} only there" if lacks or invents else ""

    def refused(self, what: str, word: str, answer: tuple[int, str, str]) -> None:
        code, said = answer[0], answer[1] + answer[2]
        clear = code == 3 and word in said.lower() and PASSWORD not in said
        self.note(what, "" if clear else f"ended with {code}: {said.strip()[:300]}")

    def note(self, what: str, wrong: str) -> None:
        self.checks.append((what, wrong))

    def lines(self) -> tuple[list[str], int, int]:
        """What to print, how many checks passed, how many failed."""
        self.thread.join((2 * COMPARISONS + 5) * CHECK_TIMEOUT_S)
        self.process.stop()
        lines = [f"nginx before Flink: {what}: {'ok' if not wrong else 'missed: ' + wrong}" for what, wrong in self.checks]
        failed = sum(1 for _, wrong in self.checks if wrong) + (5 - len(self.checks))
        return lines, len(self.checks) - sum(1 for _, wrong in self.checks if wrong), failed


def about(finding: dict) -> str:
    """Detector and job: numbers change from look to look."""
    return f"{finding['detector']} of {finding['entity'].get('job_name') or 'the cluster'}"


def reporter_that_answers(ports: range) -> str:
    """HOST:PORT of the first reporter that is there, empty when none is."""
    return next((f"127.0.0.1:{port}" for port in ports if scrape(port) is not None), "")
