#!/usr/bin/env python3
"""Run probe_behaviour.py against a broker and compare the result with a recording of RabbitMQ's, by JSON path.

    check_behaviour.py [--host H] [--port P] [--mgmt-port P] [--line LINE] [--recording FILE] [--known FILE]
                       [--only SECTION] [--got FILE] [--save FILE]

A path is written /section/key/…; lists of unequal length count as one value.  Prints each new disagreement; the last
line is "N passed, N failed", counting values.  Exit status as check_errors.py.
"""
import re
import subprocess
import sys

from compare import compare_values, mask, mask_own_words, parser, probe, recorded

# Clocks; bytes whose parts are compared one by one; how acknowledgements are grouped; whether a quorum queue has already
# dropped a message that was expired when it came.
UNSTABLE = re.compile(r"/time/1$|^/heartbeat/.*seconds|^/connection\.start/hex$|^/confirms/by_queue_type/"
                      r"|^/limits_and_ttl/quorum/expiration_0_without_consumer_left$")
BLOCKED = "connection.blocked"


def prepare(result):
    """The order of the SASL mechanisms means nothing, and each product has words of its own about itself."""
    result = mask(result)
    start = result.get("connection.start", {}).get("args", {})
    mask_own_words(start.get("server_properties", {}))
    if isinstance(start.get("mechanisms"), str):
        start["mechanisms"] = " ".join(sorted(start["mechanisms"].split()))
    return result


def alarm_commands(a):
    """How to raise the memory alarm by hand, where the broker can do that."""
    command = "curl -sfu guest:guest -d '{\"memory\": %%s}' http://%s:%d/dev/alarm" % (a.host, a.mgmt_port)
    if a.got or subprocess.run(command % "false", shell=True, stdout=subprocess.DEVNULL).returncode != 0:
        return []
    return ["--alarm-cmd", command % "true", "--clear-cmd", command % "false"]


def main():
    a = parser("handshake", "known-behaviour.txt").parse_args()
    expected, got = prepare(recorded(a)), prepare(probe("probe_behaviour.py", a, *alarm_commands(a)))
    if BLOCKED not in got:      # an alarm cannot be raised there
        expected.pop(BLOCKED, None)
    return compare_values(a, expected, got, UNSTABLE)


if __name__ == "__main__":
    sys.exit(main())
