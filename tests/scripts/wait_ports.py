#!/usr/bin/env python3
"""Wait until a broker has written its ports file, and print the two ports: AMQP and management.

    wait_ports.py FILE [SECONDS]
"""
import json
import sys
import threading
import time


def main():
    path, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            with open(path) as f:
                ports = json.load(f)
            print(ports["amqp"], ports["management"])
            return 0
        except (FileNotFoundError, json.JSONDecodeError):
            threading.Event().wait(0.02)
    print("no ports file %s within %g s" % (path, limit), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
