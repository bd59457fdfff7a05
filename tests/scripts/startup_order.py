#!/usr/bin/env python3
"""Write config/startup.ld anew: the functions that a start of the broker and a first message run.

    CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --bin leveret
    tests/scripts/startup_order.py target/release/leveret target/release/examples/compare-load

Needs valgrind and nm. The program must have its symbols. A function that is not in the list is only a little more memory,
one that no longer exists costs nothing: the list is made anew when an idle broker has grown.
"""
import bisect
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = """/* What the start of a broker and its first messages run stands together. The system maps code in pieces of 64 KiB; strewn
   over the whole program these functions had nearly all of it mapped (8.0 MB of an idle broker, 5.7 so).
   Made by tests/scripts/startup_order.py; the stars stand for what changes with each compiler. */
"""


def addresses(profile, program):
    """Of all instructions that were run, by callgrind's file format (positions are relative to the one before)."""
    found, files, at, current = set(), {}, 0, None
    for line in profile:
        name = re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line)
        if name:
            if name[3]:
                files[name[2]] = os.path.basename(name[3].strip())
            current = current if name[1] else files[name[2]]
            continue
        position = re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) ", line)
        if position:
            text = position[1]
            at = int(text, 16) if text.startswith("0x") else at if text == "*" else at + int(text)
            if current == os.path.basename(program):
                found.add(at)
    return found


def functions(program):
    names = subprocess.run(["nm", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted((int(m[1], 16), m[2]) for m in re.finditer(r"^([0-9a-f]{16}) [tTwW] (\S+)$", names, re.M))


def pattern(name):
    """A section's name, with stars for hashes."""
    name = re.sub(r"\.llvm\.\d+$", "", name)
    name = re.sub(r"17h[0-9a-f]{16}E$", "17h*E", name)
    return ".text." + (re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name) if name.startswith("_R") else name)


def run(program, load, profile):
    with tempfile.TemporaryDirectory() as place:
        ports = os.path.join(place, "ports.json")
        broker = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--dump-instr=yes", "--callgrind-out-file=" + profile, program,
             "--port", "0", "--management-port", "0", "--ports-file", ports],
            env=dict(os.environ, LEVERET_RUNTIME_DIR=place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        said = subprocess.run([sys.executable, os.path.join(ROOT, "tests/scripts/wait_ports.py"), ports],
                              stdout=subprocess.PIPE, text=True, check=True)
        port = said.stdout.split()[0]
        subprocess.run([load, "--mode", "single", "--port", port, "--messages", "200"], check=True)
        broker.terminate()
        broker.wait()


def main():
    program, load = map(os.path.realpath, sys.argv[1:3])
    with tempfile.NamedTemporaryFile("r") as profile:
        run(program, load, profile.name)
        used = addresses(profile, program)
    known = functions(program)
    starts = [start for start, _ in known]
    firsts = {bisect.bisect_right(starts, address) - 1 for address in used}
    patterns = dict.fromkeys(pattern(known[i][1]) for i in sorted(firsts) if i >= 0)
    with open(os.path.join(ROOT, "config/startup.ld"), "w") as out:
        out.write(HEAD + "SECTIONS\n{\n  .text.first :\n  {\n")
        out.writelines("    *(%s)\n" % name for name in patterns)
        out.write("  }\n}\nINSERT BEFORE .text;\n")
    print("%d functions" % len(patterns))


if __name__ == "__main__":
    main()
