#!/usr/bin/env python3
"""Run probe_behaviour.py against a broker and compare the result with a recording of RabbitMQ's, by JSON path.

    check_behaviour.py [--host H] [--port P] [--mgmt-port P] [--recording FILE] [--known FILE] [--only SECTION] [--got FILE]

A path is written /section/key/…; lists of unequal length count as one value.  Prints each new disagreement; the last
line is "N passed, N failed", counting values.  Exit status as check_errors.py.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

from compare import Known, Report, mask

HERE = os.path.dirname(os.path.abspath(__file__))
# Clocks; bytes whose parts are compared one by one; how acknowledgements are grouped; whether a quorum queue has already
# dropped a message that was expired when it came.
UNSTABLE = re.compile(r"/time/1$|^/heartbeat/.*seconds|^/connection\.start/hex$|^/confirms/by_queue_type/"
                      r"|^/limits_and_ttl/quorum/expiration_0_without_consumer_left$")
BLOCKED = "connection.blocked"


def leaves(value, other, path=""):
    """Yield (path, value, other) for every place where the two can be compared."""
    if isinstance(value, dict) and isinstance(other, dict):
        for key in [*value, *(k for k in other if k not in value)]:
            yield from leaves(value.get(key, "<absent>"), other.get(key, "<absent>"), "%s/%s" % (path, key))
    elif isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        for i, (v, o) in enumerate(zip(value, other)):
            yield from leaves(v, o, "%s/%d" % (path, i))
        if not value:
            yield path, value, other
    else:
        yield path, value, other


def prepare(result):
    """The order of the SASL mechanisms means nothing."""
    result = mask(result)
    start = result.get("connection.start", {}).get("args", {})
    if isinstance(start.get("mechanisms"), str):
        start["mechanisms"] = " ".join(sorted(start["mechanisms"].split()))
    return result


def alarm_commands(a):
    """How to raise the memory alarm by hand, where the broker can do that."""
    command = "curl -sfu guest:guest -d '{\"memory\": %%s}' http://%s:%d/dev/alarm" % (a.host, a.mgmt_port)
    if subprocess.run(command % "false", shell=True, stdout=subprocess.DEVNULL).returncode != 0:
        return []
    return ["--alarm-cmd", command % "true", "--clear-cmd", command % "false"]


def probe(a):
    if a.got:
        with open(a.got) as f:
            return json.load(f)
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "got.json")
        argv = [sys.executable, os.path.join(HERE, "probe_behaviour.py"), "--host", a.host, "--port", str(a.port),
                "--mgmt-port", str(a.mgmt_port), "--out", out, "--only", a.only,
                *alarm_commands(a)]
        if subprocess.run(argv, stdout=sys.stderr).returncode != 0:
            sys.exit(2)
        with open(out) as f:
            return json.load(f)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=5672)
    ap.add_argument("--mgmt-port", type=int, default=15672)
    ap.add_argument("--recording", default=os.path.join(HERE, "recordings/handshake-4.3.6-permitted.json"))
    ap.add_argument("--known", default=os.path.join(HERE, "known-behaviour.txt"))
    ap.add_argument("--only", default="")
    ap.add_argument("--got", default="", help="compare this result of probe_behaviour.py instead of running it")
    a = ap.parse_args()
    with open(a.recording) as f:
        recorded = prepare(json.load(f))
    got = prepare(probe(a))
    report = Report(Known(a.known), complete=not a.only)
    if BLOCKED not in got:      # an alarm cannot be raised there
        recorded.pop(BLOCKED, None)
    if a.only:      # sections that were not run are not missing
        recorded = {k: v for k, v in recorded.items() if k in got}
    for path, expected, actual in leaves(recorded, got):
        if UNSTABLE.search(path):
            continue
        if expected == actual:
            report.same(path)
        else:
            report.differs(path, expected, actual)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
