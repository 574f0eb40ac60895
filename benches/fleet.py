#!/usr/bin/env python3
"""What reading in parts costs: CPU of `authfault map` and `reduce` beside that of `authfault analyze` on the same log.

    cargo build --release
    benches/fleet.py 1g.log            # as one part, and as twelve ranges; loggen makes such a log (README.md here)

Every program runs with one thread. CPU is user and system time, start-up included, and the median of `--runs` runs of all
three in turn. Before anything is measured the two reports are compared, byte for byte.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="a plain log")
    parser.add_argument("--authfault", default="target/release/authfault", help="the program")
    parser.add_argument("--parts", type=int, nargs="+", default=[1, 12], help="how many ranges the log is cut into")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    print("| parts | analyze CPU s | map | reduce | map and reduce ÷ analyze | parts, of the log |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for parts in args.parts:
        print(row(args, parts), flush=True)


def row(args, parts):
    size = os.path.getsize(args.log)
    cuts = [size * at // parts for at in range(parts + 1)]
    report = ["--quiet", "--threads", "1", "--output", "json"]
    analyze = [args.authfault, "analyze", *report, args.log]
    with tempfile.TemporaryDirectory() as folder:
        reduce = [args.authfault, "reduce", *report, folder]
        maps = [
            [args.authfault, "map", "--quiet", "--threads", "1", "--range", f"{start}:{end}", "-o", f"{folder}/{at}.afpart", args.log]
            for at, (start, end) in enumerate(zip(cuts, cuts[1:]))
        ]
        for command in maps:
            subprocess.run(command, check=True)
        if output(reduce) != output(analyze):
            sys.exit(f"{parts} parts: the report is another")
        times = [(cpu(analyze), sum(map(cpu, maps)), cpu(reduce)) for _ in range(args.runs)]
        part_bytes = sum(entry.stat().st_size for entry in os.scandir(folder))
    alone, mapped, reduced = (statistics.median(column) for column in zip(*times))
    ratio = statistics.median((mapped + reduced) / alone for alone, mapped, reduced in times)
    return f"| {parts} | {alone:.2f} | {mapped:.2f} | {reduced:.2f} | {ratio:.2f} | {part_bytes / size:.2%} |"


def output(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def cpu(command):
    """Seconds of CPU that a command takes."""
    to_nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=to_nowhere)
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command}: {status}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
