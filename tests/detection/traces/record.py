#!/usr/bin/env python3
"""Records what real JVMs show under workloads whose faults are known. See README.md here.

    python3 tests/detection/traces/record.py --out tests/detection/traces/recorded
    python3 tests/detection/traces/record.py --out DIR --only heap_leak_g1,heap_peace_zgc --at-once 1
    python3 tests/detection/traces/record.py --out DIR --draw-churn 100 --seed 7     # healthy class churn of a G1, drawn
    python3 tests/detection/traces/record.py --out DIR --draw-leaks 100 --seed 7     # the same with a leak

Needs a JDK (javac, java). A trace is some minutes of a JVM, several at once if the machine has idle cores.
"""

import argparse
import concurrent.futures
import gzip
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
COLLECTORS = {"g1": "G1", "parallel": "Parallel", "serial": "Serial", "zgc": "Z"}
EXIT_OUT_OF_MEMORY = 3

METASPACE = {"compression": 2000, "scrape_s": 60, "base_classes": 6000, "job_classes": 500, "submit_min": 30,
             "replace_mb_s": 0.3, "garbage_mb_s": 40}
HEAP = {"compression": 4000, "scrape_s": 120, "base_classes": 1000, "tide": 0.4, "days": 4.5}
SMALL_METASPACE = ["-XX:MaxMetaspaceSize=128m"]
# To be held as long as in a heap of 20 times that size.
SOFTLY = ["-XX:SoftRefLRUPolicyMSPerMB=20"]

# name without collector: (workload, flags, the detector that should speak or None, what it is)
SCENARIOS = {
    "metaspace_leak": (METASPACE | {"kept": 1, "days": 3}, SMALL_METASPACE, "metaspace_leak",
                       "a list keeps the class loader of every submission"),
    "metaspace_leak_of_two": (METASPACE | {"kept": 1, "jobs": 2, "days": 4}, SMALL_METASPACE, "metaspace_leak",
                              "of two jobs' loaders a list keeps those of job-0"),
    "metaspace_churn": (METASPACE | {"jobs": 2, "days": 2}, SMALL_METASPACE, None, "loaders are given back"),
    "metaspace_churn_idle": (METASPACE | {"jobs": 2, "days": 3, "base_classes": 20000, "garbage_mb_s": 4,
                                          "replace_mb_s": 0}, ["-XX:MaxMetaspaceSize=256m"], None,
                             "loaders are given back to a JVM of Flink's size that hardly allocates"),
    "metaspace_soft": (METASPACE | {"softly": 1, "days": 2}, SMALL_METASPACE + SOFTLY, None,
                       "soft references keep the loaders of ended jobs for a time"),
    "heap_leak": (HEAP | {"leak_from_days": 2, "leak_mb_s": 1.6}, [], "heap_leak", "a map grows steadily"),
    "heap_leak_by_load": (HEAP | {"leak_from_days": 2, "leak_mb_s": 1.6, "leak_by_load": 1}, [], "heap_leak",
                          "a map grows as fast as the load"),
    "heap_peace": (HEAP | {"replace_mb_s": 4}, [], None, "live data is replaced: old garbage, no growth"),
    "heap_cache": (HEAP | {"cache_from_days": 0.2, "cache_mb": 45, "cache_mb_s": 1}, [], None,
                   "a cache fills to its capacity in two days and stays"),
    "threads": (METASPACE | {"threads": 2, "days": 2}, [], "resource_leak",
                "two threads of every submission are never stopped"),
    "direct": (HEAP | {"leak_from_days": 2, "direct_mb_s": 2.2}, ["-XX:MaxDirectMemorySize=96m"], "resource_leak",
               "direct buffers are kept"),
}

RECORDED = {
    "metaspace_leak": ["g1", "parallel", "serial", "zgc"],
    "metaspace_leak_of_two": ["g1"],
    "metaspace_churn": ["g1", "parallel", "serial", "zgc"],
    "metaspace_churn_idle": ["g1", "parallel", "serial"],
    "metaspace_soft": ["g1", "parallel"],
    "heap_leak": ["g1", "parallel", "zgc"],
    "heap_leak_by_load": ["g1", "serial"],
    "heap_peace": ["g1", "parallel", "zgc"],
    "heap_cache": ["g1", "serial"],
    "threads": ["g1"],
    "direct": ["g1"],
}


KIB_PER_CLASS = 3.4  # of the JDK's compiler, as metaspace is charged
GARBAGE_MB_S_MAX = 2000  # as one core can


def draw_workload(draw, classes_least):
    """A session cluster whose jobs come and go: classes, pace and garbage as detectors' healthy churn is described (a base of 6 to
    120 MB, up to 1500 classes a job, .05 to 6 GB allocated between two submissions), and what a JVM needs for what runs at once."""
    between = lambda least, most: least * (most / least) ** draw.random()  # noqa: E731
    jobs, job_classes, base = draw.randint(1, 3), round(between(classes_least, 1500)), round(between(1800, 25000))
    garbage_mb = between(50, 6000)
    submit_s = max(between(.4, 2), garbage_mb / GARBAGE_MB_S_MAX)  # of the JVM
    workload = METASPACE | {"jobs": jobs, "job_classes": job_classes, "base_classes": base,
                            "submit_min": round(submit_s * METASPACE["compression"] / 60, 1),
                            "garbage_mb_s": round(garbage_mb / submit_s, 1),
                            "replace_mb_s": round(draw.choice([0, between(.02, .6)]), 2)}
    return workload, KIB_PER_CLASS * (base + 2 * jobs * job_classes) / 1024 * 1.3  # the old ones until they are collected


def lasting(workload, submissions):
    return workload | {"days": round(submissions * workload["submit_min"] / 1440, 2)}


def draw_churn(seed):
    """Leaves nothing behind: a scenario's name and its line. One in four is as tight as a few submissions; in one of three soft
    references keep ended loaders for 1 to 30 ms a free megabyte."""
    draw = random.Random(seed)
    workload, running_mb = draw_workload(draw, 150)
    softly = draw.random() < .3
    limit_mb = max(256, round(running_mb))
    if draw.random() < .25:
        limit_mb = round(running_mb + draw.uniform(4, 40) * KIB_PER_CLASS * workload["job_classes"] / 1024)
    flags = [f"-XX:MaxMetaspaceSize={limit_mb}m"] + ([f"-XX:SoftRefLRUPolicyMSPerMB={draw.randint(1, 30)}"] if softly else [])
    workload |= {"softly": int(softly), "seed": seed}
    return f"drawn_churn_{seed}", (lasting(workload, 60), flags, None, "loaders are given back; drawn")


def draw_leak(seed):
    """As draw_churn, but a list keeps the loaders of job-0: the limit is 12 to 60 of them away, in one of five 256 MB at least.
    A megabyte is kept of each at least."""
    draw = random.Random(seed)
    workload, running_mb = draw_workload(draw, 450)
    room_mb = draw.uniform(12, 60) * KIB_PER_CLASS * workload["job_classes"] / 1024
    limit_mb = round(max(running_mb + room_mb, draw.choice([0, 0, 0, 0, 256])))
    steps = workload["jobs"] * limit_mb * 1024 / KIB_PER_CLASS / workload["job_classes"]
    workload |= {"kept": 1, "seed": seed}
    return f"drawn_leak_{seed}", (lasting(workload, min(400, 2 * steps)), [f"-XX:MaxMetaspaceSize={limit_mb}m"], "metaspace_leak",
                                  "a list keeps the class loaders of one job; drawn")


def java_version(java):
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr.splitlines()
    return told[-1].strip()


def flags_of(scenario, collector):
    return [f"-XX:+Use{COLLECTORS[collector]}GC", "-Xms128m", "-Xmx128m", "-XX:SoftRefLRUPolicyMSPerMB=1",
            "-XX:+ExitOnOutOfMemoryError", *SCENARIOS[scenario][1]]


def shorter(lines):
    """Values as they were in the row before become dots; dots at a row's end are left out."""
    last = []
    for line in lines:
        row = line.split()
        if row[0] not in ("!", "columns"):
            same = [new if i == 0 or i >= len(last) or new != last[i] else "." for i, new in enumerate(row)]
            last = row
            while same[-1] == ".":
                same.pop()
            line = " ".join(same)
        yield line


def onset_s(scenario, lines):
    """When the first thing was kept: the leak begins, or the first job whose things are kept has ended."""
    from_days = SCENARIOS[scenario][0].get("leak_from_days")
    if from_days is not None:
        return int(from_days * 86400)
    ends = [line.split()[1] for line in lines if line.startswith("! ") and line.endswith(" end job-0")]
    return int(ends[0]) if ends else 0


def truth_of(scenario, lines, died):
    detector = SCENARIOS[scenario][2]
    if detector is None:
        return "none"
    last_s = max(int(line.split()[0]) for line in lines if line[0].isdigit())
    culprit = " culprit=job-0" if detector == "metaspace_leak" else ""
    end = f" end_s={last_s}" if died else ""
    return f"{detector} onset_s={onset_s(scenario, lines)}{end}{culprit}"


def record(scenario, collector, java, classes, out):
    name = f"{scenario}_{collector}"
    workload, _, detector, about = SCENARIOS[scenario]
    flags = flags_of(scenario, collector)
    raw = pathlib.Path(classes) / f"{name}.raw"
    arguments = [f"{key}={value}" for key, value in workload.items()]
    ended = subprocess.run([java, *flags, "-cp", classes, "Workload", f"out={raw}", *arguments],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode not in (0, EXIT_OUT_OF_MEMORY):
        sys.exit(f"{name}: java ended with {ended.returncode}: {ended.stdout[-500:]}")
    died = ended.returncode == EXIT_OUT_OF_MEMORY
    if died and detector is None and scenario.startswith("drawn"):
        return f"{name}: left out: too small a metaspace was drawn for what runs at once"
    if died and detector is None:
        sys.exit(f"{name}: a healthy workload ran out of memory: {ended.stdout[-500:]}")
    lines = raw.read_text().splitlines()
    header = [
        "flink-doctor jvm trace 1",
        f"jvm {java_version(java)}",
        f"collector {collector}",
        f"flags {' '.join(flags)}",
        f"scenario {scenario}: {about}",
        f"workload {' '.join(arguments)}",
        f"compression {workload['compression']}",
        f"truth {truth_of(scenario, lines, died)}",
    ]
    text = "\n".join(header + list(shorter(lines))) + "\n"
    with open(out / f"{name}.trace.gz", "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))
    return f"{name}: {'died' if died else 'lived'}, {len(lines)} lines"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="directory for NAME.trace.gz")
    parser.add_argument("--only", default="", help="names, comma-separated; all otherwise")
    parser.add_argument("--java-home", type=pathlib.Path, help="another JDK than that of PATH")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--draw-churn", type=int, default=0, metavar="N", help="N drawn workloads, and nothing else")
    parser.add_argument("--draw-leaks", type=int, default=0, metavar="N", help="N drawn leaks, and nothing else")
    parser.add_argument("--seed", type=int, default=1, help="of the first that is drawn")
    options = parser.parse_args()
    bin_of = (lambda tool: str(options.java_home / "bin" / tool)) if options.java_home else (lambda tool: tool)
    wanted = [(scenario, collector) for scenario, collectors in RECORDED.items() for collector in collectors
              if not options.only or f"{scenario}_{collector}" in options.only.split(",")]
    if options.draw_churn or options.draw_leaks:
        drawn = dict([draw_churn(seed) for seed in range(options.seed, options.seed + options.draw_churn)]
                     + [draw_leak(seed) for seed in range(options.seed, options.seed + options.draw_leaks)])
        SCENARIOS.update(drawn)
        wanted = [(scenario, "g1") for scenario in drawn]
    if not wanted:
        parser.error(f"there is no trace {options.only}")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as classes:
        subprocess.run([bin_of("javac"), "-d", classes, str(HERE / "Workload.java")], check=True)
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            runs = [pool.submit(record, *each, bin_of("java"), classes, options.out) for each in wanted]
            for run in concurrent.futures.as_completed(runs):
                print(run.result(), flush=True)


if __name__ == "__main__":
    main()
