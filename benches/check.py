#!/usr/bin/env python3
"""Measures runs of `authfault check` on a large log that grows by 1 MB from run to run.

    target/release/examples/loggen --bytes 1G > 1g.log
    benches/check.py 1g.log                     # 10 weeks of it (10 GB), then 24 runs with 1 MB of news each
    benches/check.py 1g.log --weeks 3 --runs 60 --data /var/tmp

The log is a week of combined lines; it is written again and again with its dates moved on, and so is what comes then:
the traffic is as usual. The first run reads everything and is not counted. Prints the time, the processor time and the
peak of memory (ru_maxrss, with the pages of the log that are mapped) of runs that only stored what was new and of
those that looked at all that is remembered; and what a wait for this disk takes, since each run has one. Python 3.9 or
later on Linux, nothing else. Everything that was written is removed again.
"""

import argparse
import datetime
import os
import re
import shutil
import statistics
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
DAYS = 7
NEWS_BYTES = 1_000_000
BLOCK_BYTES = 1 << 20


def main():
    options = parse_options()
    folder = tempfile.mkdtemp(prefix="authfault-check-", dir=options.data)
    try:
        measure(options, folder)
    finally:
        shutil.rmtree(folder)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="a week of combined lines")
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--data", default=tempfile.gettempdir(), help="where there is room for all of it")
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/authfault"))
    parser.add_argument("--options", default="", help="more options of check, in one word")
    parser.add_argument("--keep-state", metavar="DIR", help="leave log and state in this folder")
    return parser.parse_args()


def measure(options, folder):
    log = os.path.join(folder, "access.log")
    with open(log, "wb") as out:
        for week in range(options.weeks):
            for lines in blocks(options.log, week):
                out.write(lines)
    command = [options.binary, "check", "--verbose", "--state", os.path.join(folder, "state"), *options.options.split()]
    print(f"first run: {run(command, log)[1]:.1f} s for {os.path.getsize(log) / 1e9:.1f} GB")
    rows = {"quiet": [], "look": []}
    news = blocks(options.log, options.weeks, NEWS_BYTES)
    for _ in range(options.runs):
        with open(log, "ab") as out:
            out.write(next(news))
        said, *row = run(command, log)
        assert b" new lines" in said and b"(0 new" not in said, said
        rows["quiet" if b"nothing unusual in them" in said else "look"].append(row)
    print(f"a wait for this disk: {1e3 * disk(folder):.1f} ms")
    print("| run | runs | wall ms: least | median | most | CPU ms: median | most | peak MiB: most |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, runs in rows.items():
        if runs:
            wall, cpu, peak = zip(*runs)
            ms = [min(wall), statistics.median(wall), max(wall), statistics.median(cpu), max(cpu)]
            print(f"| {name} | {len(runs)} |", " | ".join(f"{1e3 * seconds:.0f}" for seconds in ms), f"| {max(peak):.0f} |")
    if options.keep_state:
        shutil.copytree(folder, options.keep_state)


def blocks(path, week, size=BLOCK_BYTES):
    """Whole lines of a log, with all dates moved on by so many weeks."""
    with open(path, "rb") as log:
        first = datetime.datetime.strptime(re.search(rb"\[([^:]+):", log.readline())[1].decode(), "%d/%b/%Y")
        log.seek(0)
        stamp = lambda day: f"[{first + datetime.timedelta(day):%d/%b/%Y}:".encode()
        while lines := log.read(size) + log.readline():
            # From the last on, since a date that was moved may be one that is to be moved.
            for day in reversed(range(DAYS)):
                lines = lines.replace(stamp(day), stamp(day + DAYS * week))
            yield lines


def run(command, log):
    """What a run says, its seconds, those of the processor, and its peak in MiB. The clock is that of the log."""
    with open(log, "rb") as file:
        file.seek(-(1 << 16), os.SEEK_END)
        last = re.findall(rb"\[(\d+/\w+/\d+:\d+:\d+:\d+) ", file.read())[-1].decode()
    now = datetime.datetime.strptime(last, "%d/%b/%Y:%H:%M:%S")
    reader, writer = os.pipe()
    start = time.perf_counter()
    pid = os.fork()  # Not spawned: a child that shares this memory would count it as its own peak.
    if pid == 0:
        os.dup2(writer, 1)
        os.execv(command[0], [*command, "--now", f"{now:%Y-%m-%dT%H:%M:%SZ}", log])
    os.close(writer)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    with open(reader, "rb") as said:
        text = said.read()
    assert os.waitstatus_to_exitcode(status) < 3, text
    return text, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def disk(folder):
    """The median of appending a little and waiting until it is on the disk."""
    took = []
    with open(os.path.join(folder, "disk"), "wb", buffering=0) as out:
        for _ in range(30):
            start = time.perf_counter()
            out.write(bytes(1 << 16))
            os.fdatasync(out.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took)


if __name__ == "__main__":
    main()
