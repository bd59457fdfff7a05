#!/usr/bin/env python3
"""Run probe_errors.py against a broker and compare its answers with a recording of RabbitMQ's, scenario by scenario.

    check_errors.py [--host H] [--port P] [--mgmt-port P] [--line LINE] [--recording FILE] [--known FILE]
                    [--groups NAME,NAME…] [--only SUBSTRING] [--no-slow] [--strict] [--got FILE] [--save FILE]

Without --strict, how a socket went away (end of file or reset) does not count, and the scenarios named in LOOSE
are compared by their outcome alone.  Prints each new disagreement; the last line is "N passed, N failed".
Exit status: 0 no new disagreement, 1 some, 2 the probe could not be run.
"""
import json
import sys

from compare import Known, Report, mask, parser, probe, recorded

# How a stream cuts its messages into deliveries varies from run to run, and so does what comes before a close that is
# provoked by the last of several methods.
LOOSE = ("queue.declare-ok-counts-stream", "stream.x-stream-offset=", "state.methods-while-channel-closing",
         "stream.nack-requeue")
# These need a client that is not on the loopback interface, so --source-ip.
FROM_AFAR = ("auth.guest-not-loopback",)
IGNORED = ("id", "group", "about")


def comparable(record, strict):
    name = record["id"]
    record = mask({k: v for k, v in record.items() if k not in IGNORED})
    if strict:
        return record
    if name.startswith(LOOSE):
        return {"outcome": record["outcome"]}
    for part in [record["outcome"], *record["events"], *record.get("late_events", [])]:
        if part.get("kind", part.get("event")) == "socket-closed":
            part.pop("how", None)
    return record


def say(record):
    """The short form of a record: what happened, and then whatever else the record has."""
    o = record["outcome"]
    kind = o["kind"]
    if kind.endswith("close"):
        text = "%s %s %r class %s method %s" % (kind, o.get("code"), o.get("text"), o.get("class_id"), o.get("method_id"))
    elif kind == "method":
        text = json.dumps({k: v for k, v in o.items() if k != "kind"}, ensure_ascii=False)
    else:
        text = json.dumps(o)
    return text


def describe(expected, got):
    """Two one-liners that show where they differ: the outcomes, or the first other part that is unequal."""
    if expected["outcome"] != got["outcome"]:
        return say(expected), say(got)
    for key in sorted(set(expected) | set(got)):
        if expected.get(key) != got.get(key):
            return "%s: %s" % (key, json.dumps(expected.get(key))), "%s: %s" % (key, json.dumps(got.get(key)))
    return say(expected), say(got)


def arguments():
    ap = parser("errors", "known.txt")
    ap.add_argument("--groups", default="")
    ap.add_argument("--no-slow", action="store_true")
    ap.add_argument("--strict", action="store_true")
    ap.add_argument("--source-ip", default="")
    ap.add_argument("--jobs", type=int, default=4)
    return ap.parse_args()


def main():
    a = arguments()
    more = ["--groups", a.groups, "--jobs", str(a.jobs), "--source-ip", a.source_ip]
    known = {r["id"]: r for r in recorded(a)}
    report = Report(Known(a.known, a.line), complete=not (a.groups or a.only or a.no_slow))
    for record in probe("probe_errors.py", a, *more, *(["--no-slow"] if a.no_slow else [])):
        name = record["id"]
        if name.startswith(FROM_AFAR) and not a.source_ip:
            continue
        if name not in known:
            report.differs(name, "a recording of this scenario", "none: record it first")
            continue
        if "probe_error" in record:
            report.differs(name, say(known[name]), "the probe failed: " + record["probe_error"])
            continue
        expected, got = comparable(known[name], a.strict), comparable(record, a.strict)
        if expected == got:
            report.same(name)
        else:
            report.differs(name, *describe(expected, got))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
