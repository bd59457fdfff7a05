"""Comparing what a broker did with a recording of what RabbitMQ did: masks, known differences, the report."""
import json
import re

# What legitimately differs between two brokers, or between two runs of one.
MASKS = [
    (re.compile(r"rabbit@[\w.-]+"), "rabbit@<node>"),
    (re.compile(r"<\d+\.\d+\.\d+>"), "<pid>"),
    (re.compile(r"amq\.(gen|ctag)-[A-Za-z0-9_-]{20,}"), r"amq.\1-<generated>"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[A-Za-z0-9_=+/.-]{15,}"), "amq.rabbitmq.reply-to.<generated>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"(vhost 'probe-\w+' is) (?:down|deleted)"), r"\1 <gone>"),
]


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


class Known:
    """Differences that are accepted: lines `NAME<TAB>reason`; a NAME that ends in * stands for all that begin so."""

    def __init__(self, path):
        self.reasons = {}
        if path:
            with open(path) as f:
                for number, line in enumerate(f, 1):
                    line = line.rstrip("\n")
                    if not line or line.startswith("#"):
                        continue
                    name, tab, reason = line.partition("\t")
                    if not tab or not reason.strip():
                        raise SystemExit("%s:%d: wants NAME<TAB>reason" % (path, number))
                    self.reasons[name] = reason
        self.used = set()

    def __contains__(self, name):
        for known in self.reasons:
            if name == known or (known.endswith("*") and name.startswith(known[:-1])):
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
        if self.accepted:
            print("%d known differences" % self.accepted)
        print("%d passed, %d failed" % (self.passed, self.failed))
        return 1 if self.failed else 0


def one_line(value, limit=400):
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "…"
