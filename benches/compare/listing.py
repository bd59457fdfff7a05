"""How long it takes to list many queues, and what that does to messages on their way.  Started by run-listing.sh."""
import argparse
import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import time

import rounds

LISTS = {       # what is asked for
    "first page": "/api/queues?page=1&page_size=100",
    "first page, sorted": "/api/queues?page=1&page_size=100&sort=messages&sort_reverse=true",
    "whole": "/api/queues",
    "three columns": "/api/queues?columns=name,messages,message_stats.publish_details.rate",
}
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"guest:guest").decode()}
PUBLISH = {"routing_key": "", "payload": "x" * 16, "payload_encoding": "string", "properties": {}}


class Api:
    """One connection that is kept."""

    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def request(self, method, path, body=None):
        self.http.request(method, path, None if body is None else json.dumps(body), dict(LOGIN, **{"Content-Type": "application/json"}))
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit("%s %s: %d %s" % (method, path, answer.status, text[:200]))
        return text


# ---------------------------------------------------------------- what runs beside the broker
def fill(port, queues):
    """Every tenth queue gets a message."""
    api = Api(port)
    for n in range(queues):
        name = "listing.%05d" % n
        api.request("PUT", "/api/queues/%2F/" + name, {"durable": True})
        if n % 10 == 0:
            api.request("POST", "/api/exchanges/%2F/amq.default/publish", dict(PUBLISH, routing_key=name))


def ask(port, path, times):
    """Print the seconds that each request took, and the bytes of an answer."""
    api = Api(port)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        text = api.request("GET", path)
        took.append(time.perf_counter() - began)
    rows = json.loads(text)
    count = rows["total_count"] if isinstance(rows, dict) else len(rows)
    print(json.dumps({"took": took, "bytes": len(text), "queues": count}))


def loop(port, pause):
    """List for as long as it is let, as a monitor does."""
    api = Api(port)
    while True:
        api.request("GET", LISTS["whole"])
        api.request("GET", LISTS["first page"])
        time.sleep(pause)


# ---------------------------------------------------------------- both sides in one run
def worker(side, *arguments):
    return side.prefix + [sys.executable, os.path.abspath(__file__), "--port", str(side.management_port), *arguments]


def time_lists(sides, times, rounds_):
    """{list: [seconds of each side]}, the sides taking turns."""
    found = {}
    for title, path in LISTS.items():
        took = [[] for _ in sides]
        size = [0 for _ in sides]
        for _ in range(rounds_):
            for i, side in enumerate(sides):
                done = subprocess.run(worker(side, "--ask", path, "--times", str(times)), stdout=subprocess.PIPE, text=True, check=True)
                said = json.loads(done.stdout)
                took[i] += said["took"]
                size[i] = said["bytes"]
        found[title] = {"seconds": [statistics.median(t) for t in took], "bytes": size}
        print("%s: done" % title, file=sys.stderr)
    return found


def time_flow(side, case, seconds, rounds_, pause):
    """Messages a second without and with somebody who lists, in turns."""
    arguments = rounds.CASES[case]
    warm = rounds.load(side, arguments, rounds.WARM_UP[arguments[1]])
    messages = max(1000, int(warm["messages_per_second"] * seconds))
    alone, listed = [], []
    for _ in range(rounds_):
        alone.append(rounds.load(side, arguments, messages)["messages_per_second"])
        lister = subprocess.Popen(worker(side, "--loop", str(pause)))
        try:
            listed.append(rounds.load(side, arguments, messages)["messages_per_second"])
        finally:
            lister.terminate()
            lister.wait()
    return statistics.median(alone), statistics.median(listed)


def compare(a):
    sides = []
    try:
        for name in a.sides.split(","):
            try:
                sides.append(rounds.Leveret() if name == "leveret" else rounds.RabbitMQ(name))
            except LookupError as e:
                print("%s: not compared with it" % e, file=sys.stderr)
        for side in sides:
            began = time.monotonic()
            subprocess.run(worker(side, "--fill", str(a.queues)), check=True)
            print("%s: %d queues made in %.0f s" % (side.name, a.queues, time.monotonic() - began), file=sys.stderr)
        lists = time_lists(sides, a.times, a.rounds)
        flows = [] if a.no_flow else [time_flow(side, a.case, a.seconds, a.rounds, a.pause) for side in sides]
    finally:
        for side in sides:
            side.stop()
    names = [side.name for side in sides]
    print("%d queues, %d rounds of %d requests in turns, medians; %d cores" % (a.queues, a.rounds, a.times, os.cpu_count()))
    for title, found in lists.items():
        ms = ["%s %.1f ms (%d bytes)" % (n, 1000 * s, b) for n, s, b in zip(names, found["seconds"], found["bytes"])]
        share = ", %.1f %%" % (100 * found["seconds"][0] / found["seconds"][1]) if len(sides) == 2 else ""
        print("%-20s %s%s" % (title, ", ".join(ms), share))
    for name, (alone, listed) in zip(names, flows):
        print("%s, %s: %.0f messages/s alone, %.0f with a lister every %g s: %+.1f %%" % (
            name, a.case, alone, listed, a.pause, 100 * (listed / alone - 1)))
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"sides": names, "queues": a.queues, "lists": lists, "flows": flows}, f, indent=1)
            f.write("\n")


def main():
    ap = argparse.ArgumentParser(prog="benches/compare/run-listing.sh")
    ap.add_argument("--sides", default="leveret,4.3")
    ap.add_argument("--queues", type=int, default=10000)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--times", type=int, default=3, help="requests in a round")
    ap.add_argument("--case", default="autoack-1024", help="how messages flow meanwhile")
    ap.add_argument("--seconds", type=float, default=5, help="how long one run of messages is to take")
    ap.add_argument("--pause", type=float, default=5, help="seconds between two lists meanwhile")
    ap.add_argument("--no-flow", action="store_true")
    ap.add_argument("--json", default="")
    ap.add_argument("--port", type=int, help=argparse.SUPPRESS)
    ap.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    ap.add_argument("--ask", help=argparse.SUPPRESS)
    ap.add_argument("--loop", type=float, help=argparse.SUPPRESS)
    a = ap.parse_args()
    if a.fill:
        fill(a.port, a.fill)
    elif a.ask:
        ask(a.port, a.ask, a.times)
    elif a.loop is not None:
        loop(a.port, a.loop)
    else:
        compare(a)


if __name__ == "__main__":
    main()
