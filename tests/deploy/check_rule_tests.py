"""Every alert of rules.yaml has at least one test in which it fires and one in which it stays silent."""
import sys
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def main() -> int:
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    fires: set[str] = set()
    silent: set[str] = set()
    for test in yaml.safe_load((FOLDER / "rules_test.yaml").read_text())["tests"]:
        for case in test["alert_rule_test"]:
            (fires if case["exp_alerts"] else silent).add(case["alertname"])
    for kind, tested in (("a firing", fires), ("a silent", silent)):
        for alert in sorted(alerts - tested):
            print(f"{alert} has no {kind} test in rules_test.yaml")
    return 0 if alerts and alerts <= fires & silent else 1


if __name__ == "__main__":
    sys.exit(main())
