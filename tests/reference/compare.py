"""What the three checks share: release lines, running a probe, masks, known differences, the report."""
import argparse
import json
import operator
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Line -> the version in the names of its recordings. run.sh knows the arguments that make this broker speak it.
LINES = {"3.10": "3.10.8", "4.0": "4.0.5", "4.3": "4.3.6-permitted", "4.3-strict": "4.3.6"}
DEFAULT_LINE = "4.3"

# What legitimately differs between two brokers, or between two runs of one.
MASKS = [
    (re.compile(r"rabbit@[\w.-]+"), "rabbit@<node>"),
    (re.compile(r"<\d+\.\d+\.\d+>"), "<pid>"),
    (re.compile(r"amq\.(gen|ctag)-[A-Za-z0-9_-]{20,}"), r"amq.\1-<generated>"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[A-Za-z0-9_=+/.-]{15,}"), "amq.rabbitmq.reply-to.<generated>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"(vhost 'probe-\w+' is) (?:down|deleted)"), r"\1 <gone>"),
]


# Server properties in which every product names itself: of these only type and presence are compared.
OWN_WORDS = ("copyright", "information", "platform")


def mask_own_words(properties):
    for key in OWN_WORDS:
        if properties.get(key, [None, ""])[1]:
            properties[key][1] = "<its own words>"


def mask(value):
    if isinstance(value, str):
        for pattern, instead in MASKS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, list):
        return [mask(v) for v in value]
    if isinstance(value, dict):
        return {mask(k): mask(v) for k, v in value.items()}
    return value


def parser(recordings, known):
    """The options of every check; `recordings` is the first word of its recordings' names."""
    ap = argparse.ArgumentParser()
    ap.set_defaults(recordings=recordings)
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=5672)
    ap.add_argument("--mgmt-port", type=int, default=15672)
    ap.add_argument("--line", choices=LINES, default=DEFAULT_LINE, help="the release line that the broker speaks")
    ap.add_argument("--recording", default="", help="another recording than that of the line")
    ap.add_argument("--known", default=os.path.join(HERE, known))
    ap.add_argument("--only", default="")
    ap.add_argument("--got", default="", help="compare this result of the probe instead of running it")
    ap.add_argument("--save", default="", help="keep the result of the probe in this file")
    return ap


def recorded(a):
    return load(a.recording or os.path.join(HERE, "recordings", "%s-%s.json" % (a.recordings, LINES[a.line])))


def load(path):
    with open(path) as f:
        return json.load(f)


def probe(script, a, *more):
    """What the broker answers to a probe; exits with 2 when the probe could not be run."""
    if a.got:
        return load(a.got)
    with tempfile.TemporaryDirectory() as d:
        out = a.save or os.path.join(d, "got.json")
        argv = [sys.executable, os.path.join(HERE, script), "--host", a.host, "--port", str(a.port),
                "--mgmt-port", str(a.mgmt_port), "--out", out, "--only", a.only, *more]
        if subprocess.run(argv, stdout=sys.stderr).returncode != 0:
            sys.exit(2)
        return load(out)


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


def compare_values(a, expected, got, unstable, alike=operator.eq):
    """Compare by path all that does not match `unstable`; the exit status."""
    report = Report(Known(a.known, a.line), complete=not a.only)
    if a.only:      # sections that were not run are not missing
        expected = {k: v for k, v in expected.items() if k in got}
    for path, one, other in leaves(expected, got):
        if unstable.search(path):
            continue
        if alike(one, other):
            report.same(path)
        else:
            report.differs(path, one, other)
    return report.close()


class Known:
    """Differences that are accepted: lines `NAME<TAB>reason`; a * in NAME stands for anything.
    `NAME<TAB>[LINE LINE…] reason` is accepted on these release lines only."""

    def __init__(self, path, line):
        self.reasons = {}
        if path:
            with open(path) as f:
                for number, row in enumerate(f, 1):
                    row = row.rstrip("\n")
                    if row and not row.startswith("#"):
                        self.read(row, line, "%s:%d" % (path, number))
        self.used = set()

    def read(self, row, line, place):
        name, tab, reason = row.partition("\t")
        lines = re.match(r"\[([^]]*)\] *", reason)
        if lines:
            reason = reason[lines.end():]
            if not set(lines[1].split()) <= set(LINES):
                raise SystemExit("%s: no such release line in %s" % (place, lines[0]))
        if not tab or not reason.strip():
            raise SystemExit("%s: wants NAME<TAB>reason" % place)
        if not lines or line in lines[1].split():
            self.reasons[name] = reason

    def __contains__(self, name):
        for known in self.reasons:
            if name == known or re.fullmatch(".*".join(map(re.escape, known.split("*"))), name, re.DOTALL):
                self.used.add(known)
                return True
        return False


class Report:
    def __init__(self, known, complete):
        self.known, self.complete = known, complete
        self.passed = self.failed = self.accepted = 0

    def same(self, name):
        self.passed += 1

    def differs(self, name, expected, got):
        if name in self.known:
            self.accepted += 1
            return
        self.failed += 1
        print("%s\n  expected %s\n  got      %s" % (name, one_line(expected), one_line(got)))

    def close(self):
        """Print the closing lines; the exit status."""
        unused = [k for k in self.known.reasons if k not in self.known.used]
        if self.complete and unused:
            print("known differences that are none any more: %s" % ", ".join(unused))
        compared = self.passed + self.failed + self.accepted
        print("%d known differences; the same: %.1f %%" % (self.accepted, 100 * self.passed / max(compared, 1)))
        print("%d passed, %d failed" % (self.passed, self.failed))
        return 1 if self.failed else 0


def one_line(value, limit=400):
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "…"
