"""Run the load generator against each side in turns; print medians and ratios.  Started by run.sh."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFERENCE = os.path.join(ROOT, "tests/reference/reference-broker.sh")
NAMESPACES = {"3.10": "ref-310", "4.0": "ref-40", "4.3": "ref-43"}
CASES = {       # name: arguments of the load generator
    "autoack-16": ["--mode", "autoack", "--size", "16"],
    "autoack-1024": ["--mode", "autoack", "--size", "1024"],
    "confirm-16": ["--mode", "confirm", "--size", "16"],
    "confirm-1024": ["--mode", "confirm", "--size", "1024"],
    "confirm-1024-persistent": ["--mode", "confirm", "--size", "1024", "--persistent"],
    "single-16": ["--mode", "single", "--size", "16"],
    "rpc-16": ["--mode", "rpc", "--size", "16"],
}
WARM_UP = {"autoack": 20000, "confirm": 20000, "single": 1000, "rpc": 1000}


class Leveret:
    name = "leveret"

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        ports = os.path.join(self.dir.name, "ports.json")
        self.process = subprocess.Popen(
            [os.environ["LEVERET"], "--port", "0", "--management-port", "0", "--ports-file", ports],
            env=dict(os.environ, LEVERET_RUNTIME_DIR=self.dir.name), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        said = subprocess.run([sys.executable, os.path.join(ROOT, "tests/scripts/wait_ports.py"), ports],
                              stdout=subprocess.PIPE, text=True)
        if said.returncode != 0:
            self.stop()
            sys.exit("leveret did not start")
        self.port, self.management_port = (int(port) for port in said.stdout.split()[:2])
        self.pids = [self.process.pid]
        self.prefix = []

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.dir.cleanup()


class RabbitMQ:
    """A real one, on its standard port in a network namespace of its own."""
    port = 5672
    management_port = 15672

    def __init__(self, version):
        self.name = "rabbitmq-" + version
        self.version = version
        self.was_up = self.reference("status") == 0
        code = 0 if self.was_up else self.reference("up")
        if code != 0:
            raise LookupError("RabbitMQ %s cannot be run here (exit status %d of %s)" % (
                version, code, os.path.relpath(REFERENCE, ROOT)))
        self.namespace = os.environ.get("REFERENCE_BROKER_NS", NAMESPACES[version])
        self.prefix = ["ip", "netns", "exec", self.namespace]
        pids = subprocess.run(["ip", "netns", "pids", self.namespace], stdout=subprocess.PIPE, text=True).stdout
        self.pids = [int(p) for p in pids.split() if name_of(p) == "beam.smp"]
        # rabbitmqctl runs in such a process too, for a moment; the server is the oldest.
        self.pids = sorted(self.pids)[:1]

    def reference(self, what):
        return subprocess.run([REFERENCE, self.version, what], stdout=subprocess.DEVNULL).returncode

    def stop(self):
        if not self.was_up:
            self.reference("down")


def name_of(pid):
    try:
        with open("/proc/%s/comm" % pid) as f:
            return f.read().strip()
    except OSError:
        return ""


def pin(side, cores):
    """Let every thread of the broker run on these cores only."""
    for pid in side.pids:
        for thread in os.listdir("/proc/%d/task" % pid):
            try:
                os.sched_setaffinity(int(thread), cores)
            except ProcessLookupError:      # it ended meanwhile
                pass


def load(side, arguments, messages):
    argv = side.prefix + [os.environ["LOAD"], "--port", str(side.port), *arguments, "--messages", str(messages),
                          "--broker-pid", ",".join(map(str, side.pids))]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit("the load generator failed against %s: %s" % (side.name, " ".join(argv)))
    return json.loads(done.stdout)


def measure(sides, case, rounds, seconds):
    """{side's index: [result of a round…]}: as many messages as fill `seconds`, the sides taking turns."""
    arguments = CASES[case]
    warm = [load(side, arguments, WARM_UP[arguments[1]]) for side in sides]
    messages = [max(1000, int(w["messages_per_second"] * seconds) // 1000 * 1000) for w in warm]
    results = {i: [] for i in range(len(sides))}
    for n in range(rounds):
        for i, side in enumerate(sides):
            results[i].append(load(side, arguments, messages[i]))
        print("%s: round %d of %d" % (case, n + 1, rounds), file=sys.stderr)
    return results


def middle(results, key):
    return statistics.median(r[key] for r in results)


def spread(results, key):
    values = [r[key] for r in results]
    return "%.0f–%.0f %%" % (100 * min(values) / middle(results, key), 100 * max(values) / middle(results, key))


def table(sides, all_results):
    names = [s.name for s in sides]
    versus = "%s / %s" % (names[1], names[0]) if len(sides) == 2 else ""
    rows = [["case", "", *names, versus, "rounds, of the median"]]
    for case, results in all_results.items():
        for key, title, digits in (("messages_per_second", "messages/s", 0),
                                   ("broker_cpu_us_per_message", "broker CPU µs/message", 2),
                                   ("generator_cpu_us_per_message", "generator CPU µs/message", 2)):
            values = [middle(results[i], key) for i in range(len(sides))]
            ratio = "%.2f" % (values[1] / values[0]) if len(values) == 2 and values[0] else ""
            rows.append([case, title, *("{:,.{}f}".format(v, digits) for v in values), ratio,
                         ", ".join(spread(results[i], key) for i in range(len(sides)) if values[i])])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for n, r in enumerate(rows):
        print("| " + " | ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) + " |")
        if n == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")


def main():
    ap = argparse.ArgumentParser(prog="benches/compare/run.sh")
    ap.add_argument("--sides", default="leveret,4.3")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=3, help="how long one run is to take")
    ap.add_argument("--cases", default=",".join(CASES))
    ap.add_argument("--one-core", action="store_true",
                    help="broker and generator on one core: one message at a time costs, on cores that sleep in between, "
                         "mostly their waking, which on a virtual machine takes longer than the message")
    ap.add_argument("--json", default="", help="write every run to this file")
    a = ap.parse_args()
    sides, cores = [], os.sched_getaffinity(0)
    try:
        for name in a.sides.split(","):
            try:
                sides.append(Leveret() if name == "leveret" else RabbitMQ(name))
            except LookupError as e:
                print("%s: not compared with it" % e, file=sys.stderr)
        if not sides:
            sys.exit("nothing to measure")
        if a.one_core:
            os.sched_setaffinity(0, {min(cores)})      # the generator inherits it
            for side in sides:
                pin(side, {min(cores)})
        results = {case: measure(sides, case, a.rounds, a.seconds) for case in a.cases.split(",")}
    finally:
        for side in sides:
            if a.one_core:
                pin(side, cores)
            side.stop()
    used = 1 if a.one_core else os.cpu_count()
    print("%d rounds in turns, medians; %d cores, %s" % (a.rounds, used, platform.machine()))
    table(sides, results)
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"rounds": a.rounds, "seconds": a.seconds, "cores": os.cpu_count(), "cases": {
                case: {"%d %s" % (i, s.name): r[i] for i, s in enumerate(sides)} for case, r in results.items()}}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
