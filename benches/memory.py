#!/usr/bin/env python3
"""Measures the memory that authfault takes on logs made to take much of it, beside what --memory allows.

    benches/memory.py                           # all kinds, 64M, 2 threads
    benches/memory.py --kinds everything,paths --memory 8M,64M,256M --threads 1,2,7 --times 8

Each log is written into the program's standard input, so that no page of a file is counted. VmHWM of the child is its
peak; what it has beyond the bound must stay below a constant: 48 MiB, and 8 MiB for each thread, and 200 MiB where the
times span 130 years. Python 3.9 or later on Linux, nothing else. Ends with 1 where a peak is above.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CONSTANT = 48 << 20
PER_THREAD = 8 << 20
CENTURY = 200 << 20
START = 1_772_000_000
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def stamp(seconds):
    t = time.gmtime(seconds)
    return f"{t.tm_mday:02}/{MONTHS[t.tm_mon - 1]}/{t.tm_year}:{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"


def line(client, when, path, status, size=555, user="-", referer="-", agent="Mozilla/5.0 Firefox/140.0", method="GET"):
    return f'{client} - {user} [{stamp(when)}] "{method} {path} HTTP/1.1" {status} {size} "{referer}" "{agent}"\n'


def word(dice, letters=8):
    return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=letters))


def v6(dice):
    return f"2001:{dice.randrange(65536):x}:{dice.randrange(65536):x}:{dice.randrange(65536):x}::{dice.randrange(65536):x}"


def v4(dice):
    return ".".join(str(dice.randrange(1, 255)) for _ in range(4))


def everything(dice, rows):
    """Every request a new address, agent of 8 KiB, path, user and referer."""
    for i in range(rows):
        agent = word(dice, 24) + "x" * 8168
        path = f"/{word(dice)}/{word(dice)}/{word(dice)}"
        yield line(v6(dice), START + i // 50, path, (200, 401, 403)[i % 3], i, word(dice, 200),
                   f"https://{word(dice, 60)}.example/", agent)


def refused(dice, rows):
    """The same with agents of a common length, all refused, all in some minutes."""
    for i in range(rows):
        path = f"/{word(dice)}/{word(dice)}/{word(dice)}"
        yield line(v6(dice), START + i % 900, path, (401, 403)[i % 2], i, word(dice), f"https://{word(dice)}.example/",
                   f"Mozilla/5.0 ({word(dice, 60)}) {word(dice)}/{i % 90}.0")


def clients(dice, rows):
    """Every request a new address, served."""
    for i in range(rows):
        yield line(v4(dice), START + i // 50, "/", 200)


def paths(dice, rows):
    """Few clients, every request another path."""
    for i in range(rows):
        path = f"/{word(dice)}/{word(dice)}/{word(dice)}"
        yield line(f"192.0.{i % 7}.{i % 251}", START + i // 50, path, (200, 404, 403)[i % 3])


def requests(dice, rows):
    """As many requests of as few bytes as there can be."""
    for i in range(rows):
        yield line(f"10.{i % 199}.0.{i % 211}", START + i // 200, "/", 200)


def times(dice, rows):
    """Every request at another time of 130 years."""
    for i in range(rows):
        yield line(v4(dice), dice.randrange(4_200_000_000), "/a", (200, 401)[i % 2])


def known(dice, rows):
    """Known clients that ask for something else every time, refused together in the end: most trials for detection."""
    for i in range(rows):
        fails = rows * 8 // 10 < i < rows * 9 // 10
        status = (401, 403)[i % 2] if fails else 200
        agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/{100 + i % 40}.0"
        yield line(f"10.{i % 97}.{i % 89}.7", START + i * 86_400 * 3 // rows, f"/{'abcdefgh'[i // 7 % 8]}/{i % 11}/x", status,
                   agent=agent)


KINDS = {f.__name__: f for f in (everything, refused, clients, paths, requests, times, known)}
ROWS = {"everything": 400, "refused": 1_500, "clients": 8_000, "paths": 2_500, "requests": 40_000, "times": 4_000,
        "known": 40_000}


def size(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]]


def peak(pid, stop):
    """VmHWM in bytes, read until the end."""
    highest = 0
    while not stop.is_set():
        try:
            with open(f"/proc/{pid}/status") as status:
                fields = dict(row.split(":", 1) for row in status if ":" in row)
            highest = max(highest, int(fields["VmHWM"].split()[0]) << 10)
        except (OSError, KeyError):
            break
        time.sleep(0.002)
    return highest


def run(program, kind, memory, threads, rows, seed):
    command = [program, "--quiet", "--output", "json", "--memory", memory, "--threads", str(threads), "-"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stop, found, report = threading.Event(), [], []
    watch = threading.Thread(target=lambda: found.append(peak(child.pid, stop)))
    read = threading.Thread(target=lambda: report.append(child.stdout.read()))
    watch.start()
    read.start()
    started = time.time()
    written, batch = 0, []
    for text in KINDS[kind](random.Random(seed), rows):
        batch.append(text)
        if len(batch) == 1000:
            written += child.stdin.write("".join(batch).encode())
            batch.clear()
    written += child.stdin.write("".join(batch).encode())
    child.stdin.close()
    sent = time.time()
    read.join()
    stop.set()
    watch.join()
    if child.wait() != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    totals = json.loads(report[0])["totals"]
    assert totals["requests"] == rows, (kind, totals)
    return found[0], written, totals, sent - started, time.time() - sent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "target/release/authfault"))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--memory", default="64M")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--times", type=float, default=4, help="about so many times what fits")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"{'kind':<12}{'memory':>8}{'threads':>8}{'rows':>12}{'log MiB':>9}{'kept 1 in':>10}{'peak MiB':>10}{'bound':>8}"
          f"{'beyond':>8}{'after s':>9}")
    is_over = False
    for kind in args.kinds.split(","):
        for memory in args.memory.split(","):
            for threads in map(int, args.threads.split(",")):
                rows = int(ROWS[kind] * (size(memory) >> 20) * args.times / 4)
                top, written, totals, _, after = run(args.program, kind, memory, threads, rows, args.seed)
                beyond = top - size(memory)
                over = beyond > CONSTANT + PER_THREAD * threads + CENTURY * (kind == "times")
                is_over |= over
                print(f"{kind:<12}{memory:>8}{threads:>8}{rows:>12,}{written >> 20:>9,}{totals.get('kept_one_in', 1):>10}"
                      f"{top >> 20:>10,}{size(memory) >> 20:>8}{beyond / (1 << 20):>8.0f}{after:>9.1f}"
                      f"{'  TOO MUCH' if over else ''}", flush=True)
    sys.exit(is_over)


main()
