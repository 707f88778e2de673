"""What is replaced while flink-doctor watches: the token, the certificate authority, and the API server's memory of the place
where a watch goes on."""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable

from api_server import ApiServer
from checks import Checks
from cluster import IPS, NAMESPACE, Cluster
from doctor import CHART, ORDERS, STALE, Doctor


class NewAuthority:
    """A certificate authority, and a certificate of 127.0.0.1 that it signed."""

    def __init__(self, folder: Path) -> None:
        self.file, key = folder / "new-ca.crt", folder / "new-ca.key"
        self.certificate, self.key = folder / "new-apiserver.crt", folder / "new-apiserver.key"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        openssl("req", "-x509", *new_key, "-subj", "/CN=new authority", "-keyout", str(key), "-out", str(self.file))
        openssl("req", "-x509", *new_key, "-subj", "/CN=kube-apiserver", "-addext", "subjectAltName=IP:127.0.0.1",
                "-addext", "basicConstraints=critical,CA:FALSE", "-CA", str(self.file), "-CAkey", str(key),
                "-keyout", str(self.key), "-out", str(self.certificate))


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def play_token(api: ApiServer, cluster: Cluster, doctor: Doctor, addresses: Callable[..., set[str]], checks: Checks) -> None:
    watch = lambda: doctor.watch(ORDERS)  # noqa: E731
    before = doctor.findings()
    old = doctor.token_file(STALE).read_text()
    doctor.replace(doctor.token_file(ORDERS), cluster.token("doctor", "second-token"))
    cluster.revoke("first-token")
    checks.eventually("a token whose secret is deleted is refused", lambda: not cluster.lets_in(old), lambda: "let in")
    place = cluster.version()  # where the watches are, or beyond
    api.stop()
    checks.eventually("an API server that is away is told", lambda: watch().get("up") is False, watch)
    checks.eventually("and the reporters known before stay", lambda: doctor.reporters() == addresses(IPS[0], IPS[2]), doctor.reporters)
    api.forget(f"/registry/pods/{NAMESPACE}/orders-taskmanager-1-1")
    api.start()
    cluster.create_pod("orders-taskmanager-2-1", "taskmanager", IPS[1])
    checks.eventually("back again it has forgotten where the watches were (410)", lambda: cluster.has_forgotten(place),
                      lambda: "it has not")
    checks.eventually("it is watched again with the token that took the other's place, from a new list",
                      lambda: watch().get("up") and doctor.reporters() == addresses(IPS[1], IPS[2]),
                      lambda: [watch(), doctor.reporters()])
    checks.eventually("what went while nobody could watch is told",
                      lambda: "orders: pod flink/orders-taskmanager-1-1: went away without notice" in doctor.log.read_text(),
                      doctor.process.tail)
    checks.eventually("and no other pod is", lambda: doctor.log.read_text().count("orders: pod flink/orders-") == 2, doctor.process.tail)
    checks.eventually("who has the old token alone is told that it is refused, and keeps what it knew",
                      lambda: "401" in doctor.watch(STALE).get("message", "") and doctor.watch(STALE).get("pods") == 3,
                      lambda: doctor.watch(STALE))
    checks.eventually("none of this is a finding", lambda: doctor.findings() == before, lambda: [before, doctor.findings()])


def play_authority(api: ApiServer, cluster: Cluster, doctor: Doctor, addresses: Callable[..., set[str]], checks: Checks) -> None:
    watch = lambda: doctor.watch(ORDERS)  # noqa: E731
    before = doctor.findings()
    new = NewAuthority(doctor.folder)
    api.stop()
    api.shows(new.file, new.certificate, new.key)
    api.start()
    checks.eventually("a certificate of an authority that is not in the file is told", lambda: "certificate" in watch().get("message", ""),
                      watch)
    for name in (ORDERS, CHART):
        doctor.replace(doctor.ca_file(name), new.file.read_text())
    cluster.create_pod("orders-taskmanager-2-2", "taskmanager", IPS[0])
    checks.eventually("with the new authority in the file it is watched again",
                      lambda: watch().get("up") and watch().get("pods") == 4 and doctor.reporters() == addresses(*IPS),
                      lambda: [watch(), doctor.reporters()])
    checks.eventually("and who has the old file trusts it no more", lambda: "certificate" in doctor.check(STALE),
                      lambda: doctor.check(STALE))
    checks.eventually("none of this is a finding either", lambda: doctor.findings() == before, lambda: [before, doctor.findings()])
