#!/usr/bin/env python3
"""An idle broker that has greeted one client takes less than 8 MB of memory: check_resident.py PROGRAM."""
import os
import re
import socket
import subprocess
import sys
import tempfile

LIMIT_KB = 8 * 1024


def main():
    with tempfile.TemporaryDirectory() as place:
        ports = os.path.join(place, "ports.json")
        broker = subprocess.Popen([sys.argv[1], "--port", "0", "--management-port", "0", "--ports-file", ports],
                                  env=dict(os.environ, LEVERET_RUNTIME_DIR=place), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            waiting = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "wait_ports.py"), ports]
            port = int(subprocess.run(waiting, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"AMQP\0\0\x09\x01")
                client.recv(1)
                with open("/proc/%d/status" % broker.pid) as status:
                    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])
        finally:
            broker.terminate()
            broker.wait()
    print("resident when idle: %d kB" % resident)
    return resident >= LIMIT_KB


if __name__ == "__main__":
    sys.exit(main())
