"""An independent reading of exposition text: standard input through Prometheus' own Python client, one line a sample.

Exit code 77 when python3-prometheus-client is not there.
"""
import struct
import sys

try:
    from prometheus_client.parser import text_fd_to_metric_families
except ImportError:
    sys.exit(77)

for family in text_fd_to_metric_families(open(sys.stdin.fileno(), encoding="utf-8", newline="\n")):
    for sample in family.samples:
        labels = ",".join(f"{name}={sample.labels[name].encode().hex()}" for name in sorted(sample.labels))
        print(f"{sample.name}{{{labels}}} {struct.pack('>d', sample.value).hex()}")
