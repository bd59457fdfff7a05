#!/usr/bin/env python3
"""Run probe_versions.py against a broker and compare the result with a recording of RabbitMQ's, by JSON path.

    check_versions.py [--host H] [--port P] [--mgmt-port P] [--line LINE] [--recording FILE] [--known FILE]
                      [--only CASE] [--got FILE] [--save FILE]

Paths, output and exit status as check_behaviour.py.
"""
import re
import sys

from compare import compare_values, mask, mask_own_words, parser, probe, recorded

# Clocks; how a socket went away (end of file or reset); what RabbitMQ knows of a new queue only once it has gathered
# statistics, which it does every five seconds.
UNSTABLE = re.compile(r"^/consumer timeout/.*/\d+/0$|/time/1$|^/frame sizes/.*/how$"
                      r"|^/effective values of new queues/.*/(effective_policy_definition|storage_version|delivery_limit)$")
# RabbitMQ looks for overdue deliveries once a minute before 4.3: seconds until it says so, twice.
WAIT = {"3.10": 10, "4.0": 130}


def prepare(result):
    """The order of the SASL mechanisms means nothing, and each product has words of its own about itself."""
    result = mask(result)
    properties = result.get("server properties", {})
    mask_own_words(properties.get("server_properties", {}))
    if "mechanisms" in properties:
        properties["mechanisms"] = sorted(properties["mechanisms"].split())
    return result


def alike(one, other):
    """Numbers with a fraction are delays in seconds, which a busy machine makes longer."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 0.3
    return one == other


def main():
    a = parser("versions", "known-versions.txt").parse_args()
    got = probe("probe_versions.py", a, "--timeout-wait", str(WAIT.get(a.line, 8)))
    return compare_values(a, prepare(recorded(a)), prepare(got), UNSTABLE, alike)


if __name__ == "__main__":
    sys.exit(main())
