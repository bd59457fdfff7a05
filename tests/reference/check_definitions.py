#!/usr/bin/env python3
"""Definitions go from a real RabbitMQ into Leveret and back, and the reverse, and stay equal.

Both brokers get virtual hosts and users whose names begin with `defs`, which are deleted afterwards.

    check_definitions.py --real PORT --leveret PORT [--save FILE]

PORT is that of the management API on this machine (guest/guest). `--save` keeps what the real one exported, as test data.
Exit code 0 when everything stayed equal. See check_definitions.sh, which starts what is needed.
"""
import argparse
import base64
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

PREFIX = "defs"
A, B = "defs a/b", "defs-b"
SECTIONS = ("users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters", "policies",
            "queues", "exchanges", "bindings")


class Api:
    def __init__(self, name, port):
        self.name, self.port = name, port

    def call(self, method, path, body=None, may_fail=False):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if may_fail:
                return None
            sys.exit(f"{self.name}: {method} {path}: {error.code} {error.read().decode()}")

    def clean(self):
        for vhost in self.call("GET", "vhosts"):
            if vhost["name"].startswith(PREFIX):
                self.call("DELETE", f"vhosts/{quoted(vhost['name'])}")
        for user in self.call("GET", "users"):
            if user["name"].startswith(PREFIX):
                self.call("DELETE", f"users/{quoted(user['name'])}")
        for parameter in self.call("GET", "global-parameters"):
            if parameter["name"].startswith(PREFIX):
                self.call("DELETE", f"global-parameters/{quoted(parameter['name'])}")

    def export(self):
        return ours(self.call("GET", "definitions"))


def quoted(name):
    return urllib.parse.quote(name, safe="")


def is_ours(section, entry):
    if section in ("users", "vhosts", "global_parameters"):
        return entry["name"].startswith(PREFIX)
    return entry["vhost"].startswith(PREFIX)


def ours(definitions):
    """Without what others have on the same broker."""
    return {key: [one for one in value if is_ours(key, one)] if key in SECTIONS else value
            for key, value in definitions.items()}


def populate(api):
    """One of everything that the release line takes."""
    put = lambda path, body, **how: api.call("PUT", path, body, **how)
    a, b = quoted(A), quoted(B)
    put(f"vhosts/{a}", {"description": "the first, ümläut", "tags": "one,two", "default_queue_type": "quorum"})
    put(f"vhosts/{b}", {})
    put("users/defs-plain", {"password": "secret", "tags": "administrator"})
    put("users/defs-hash", {"password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": "management,own"})
    put("users/defs-none", {"password_hash": "", "tags": ""})
    put("user-limits/defs-plain/max-channels", {"value": 5})
    put(f"permissions/{a}/defs-hash", {"configure": "^a\\.", "write": ".*", "read": ""})
    put(f"permissions/{b}/defs-plain", {"configure": ".*", "write": ".*", "read": ".*"})
    put(f"topic-permissions/{a}/defs-hash", {"exchange": "amq.topic", "write": "^{username}\\.", "read": ".*"})
    put(f"vhost-limits/{a}/max-queues", {"value": 500})
    put(f"vhost-limits/{a}/max-connections", {"value": -1})
    put("global-parameters/defs-gp", {"value": {"a": [1, "x", {"b": None}], "c": 1.5}})
    put(f"policies/{a}/p1", {"pattern": "^q", "definition": {"max-length": 1000, "dead-letter-exchange": "x.fanout"},
                             "apply-to": "queues", "priority": 7})
    put(f"policies/{a}/p2", {"pattern": "^x", "definition": {"alternate-exchange": "x.fanout"}, "apply-to": "exchanges"})
    put(f"operator-policies/{a}/op", {"pattern": ".*", "definition": {"max-length-bytes": 1000000}, "apply-to": "queues"})
    for name, kind in (("x.direct", "direct"), ("x.fanout", "fanout"), ("x.topic", "topic"), ("x.headers", "headers"),
                       ("x.hash", "x-consistent-hash"), ("x.random", "x-random"), ("x.recent", "x-recent-history")):
        put(f"exchanges/{a}/{name}", {"type": kind, "durable": True})
    put(f"exchanges/{a}/x.alternate", {"type": "direct", "durable": True, "arguments": {"alternate-exchange": "x.fanout"}})
    put(f"exchanges/{a}/x.transient", {"type": "direct", "durable": False, "auto_delete": True})
    put(f"queues/{a}/q.default", {"durable": True})
    put(f"queues/{a}/q.classic", {"durable": True, "arguments": {
        "x-queue-type": "classic", "x-max-length": 10, "x-message-ttl": 60000, "x-expires": 3600000, "x-max-priority": 5,
        "x-overflow": "reject-publish", "x-dead-letter-exchange": "x.fanout", "x-dead-letter-routing-key": "dead",
        "x-single-active-consumer": True}})
    put(f"queues/{a}/q.quorum", {"durable": True, "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3}})
    put(f"queues/{a}/q.stream", {"durable": True, "arguments": {"x-queue-type": "stream", "x-max-age": "1D",
                                                                 "x-max-length-bytes": 1000000}})
    put(f"queues/{a}/q.auto", {"durable": True, "auto_delete": True})
    put(f"queues/{a}/q.transient", {"durable": False}, may_fail=True)
    put(f"queues/{b}/q%20with%2Fslash", {"durable": True})
    bind = lambda at, body: api.call("POST", f"bindings/{a}/e/{at}", body)
    bind("x.direct/q/q.classic", {"routing_key": "k"})
    bind("x.direct/q/q.classic", {"routing_key": "k", "arguments": {"n": 1, "note": "with arguments"}})
    bind("x.topic/q/q.quorum", {"routing_key": "a.*.#"})
    bind("x.headers/q/q.stream", {"arguments": {"x-match": "any", "n": 5, "flag": True}})
    bind("x.hash/q/q.quorum", {"routing_key": "2"})
    bind("x.topic/e/x.fanout", {"routing_key": "x.#"})
    bind("amq.direct/q/q.classic", {"routing_key": "ü"})


def normal(definitions):
    """What two exports of the same have in common: lists have no order, an empty object may be a list, nobody has no limits."""
    def value(it):
        if isinstance(it, dict):
            return {key: value(one) for key, one in it.items()}
        if isinstance(it, list):
            return [value(one) for one in it] or {}
        return it

    out = {}
    for section in SECTIONS:
        rows = [value(one) for one in definitions.get(section, [])]
        for row in rows:
            if section == "exchanges":
                row.setdefault("internal", False)
        rows = [row for row in rows if not (row.get("component") == "vhost-limits" and row["value"] == {})]
        out[section] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    for key in ("description", "metadata", "default_queue_type", "limits"):
        if key in definitions:
            out[key] = value(definitions[key])
    return out


def compare(what, one, other):
    one, other = normal(one), normal(other)
    wrong = 0
    for key in sorted(set(one) | set(other)):
        left, right = one.get(key), other.get(key)
        if left == right:
            continue
        wrong += 1
        if isinstance(left, list) and isinstance(right, list):
            left, right = [row for row in left if row not in right], [row for row in right if row not in left]
        print(f"{what}: {key} differ\n  before {json.dumps(left, sort_keys=True)}\n  after  {json.dumps(right, sort_keys=True)}")
    if not wrong:
        print(f"{what}: equal")
    return wrong


def there_and_back(source, target):
    """What `source` exports is what `target` exports once it has imported it: whole and by virtual host."""
    whole = source.export()
    wrong = 0
    target.clean()
    # Twice: the second time everything is there.
    for _ in range(2):
        target.call("POST", "definitions", whole)
        wrong += compare(f"whole, {source.name} to {target.name}", whole, target.export())
    one = source.call("GET", f"definitions/{quoted(A)}")
    target.clean()
    target.call("PUT", f"vhosts/{quoted(A)}", {"description": "the first, ümläut", "tags": "one,two",
                                              "default_queue_type": "quorum"})
    target.call("POST", f"definitions/{quoted(A)}", one)
    wrong += compare(f"one virtual host, {source.name} to {target.name}", one,
                     target.call("GET", f"definitions/{quoted(A)}"))
    return wrong


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--real", type=int, required=True)
    options.add_argument("--leveret", type=int, required=True)
    options.add_argument("--save")
    options = options.parse_args()
    real, leveret = Api("RabbitMQ", options.real), Api("Leveret", options.leveret)
    wrong = 0
    try:
        for source, target in ((real, leveret), (leveret, real)):
            real.clean()
            leveret.clean()
            populate(source)
            if source is real and options.save:
                with open(options.save, "w") as file:
                    json.dump(source.export(), file, indent=1, sort_keys=True)
                    file.write("\n")
            wrong += there_and_back(source, target)
    finally:
        real.clean()
        leveret.clean()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
