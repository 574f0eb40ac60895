#!/usr/bin/env python3
"""Times authfault as a whole process against `wc -l` on the same file, and other tools with it.

    benches/compare.py                        the 100 MB and the 1 GB log, 2 threads and 1
    benches/compare.py --logs all --others    the variants and the other tools too

Every figure is from pairs: the command, then `wc -l`, in turn. Given are the median of the wall times, and the
median (least to greatest) of the ratios pair by pair, which hold where seconds do not: on a busy or slow machine.
The page cache is warm. Memory is measured in runs of their own, since looking at a process slows it down.
"""

import argparse
import datetime
import functools
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import check as check_runs

HERE = pathlib.Path(__file__).resolve().parent

# Arguments of loggen for each log. What is not here is made from one that is.
LOGS = {
    "1m": ["--bytes", "1M"],
    "100m": ["--bytes", "100M"],
    "1g": ["--bytes", "1G"],
    "4g": ["--bytes", "4G"],
    "shuffled": ["--bytes", "1G", "--shuffle-secs", "120"],
    "ipv6": ["--bytes", "1G", "--ipv6", "50"],
    "vhost": ["--bytes", "1G", "--vhost"],
    "clients": ["--bytes", "1G", "--clients", "2000000"],
    "fault": ["--bytes", "1G", "--fault-minutes", "30"],
}
TITLES = {
    "1m": "1 MB",
    "100m": "100 MB",
    "1g": "1 GB",
    "4g": "4 GB",
    "shuffled": "1 GB, shuffled within 120 s",
    "ipv6": "1 GB, half IPv6",
    "vhost": "1 GB, vhost_combined",
    "clients": "1 GB, 2,000,000 clients",
    "fault": "1 GB, with a fault of 30 minutes",
    "gz": "1 GB, gzip -6",
    "16g": "16 GB, 16 weeks in as many files",
}
WEEKS = 16
USUAL = ["1m", "100m", "1g"]
# So short that a start costs as much as the work: more pairs, in milliseconds.
SHORT = "1m"
SHORT_PAIRS = 40
MEMORY_RUNS = 3
# Where the commands print to.
OUTPUT = tempfile.NamedTemporaryFile(prefix="compare-")

DUCKDB = """
import duckdb, sys
duckdb.sql("SET threads = 2; SET enable_progress_bar = false")
print(duckdb.sql(\"\"\"
    SELECT count(*), sum(n), sum(unauthorized), sum(forbidden) FROM (
        SELECT client, time_bucket(INTERVAL 5 MINUTES, strptime(time, '[%d/%b/%Y:%H:%M:%S')) AS w, count(*) AS n,
            count(*) FILTER (status = '401') AS unauthorized, count(*) FILTER (status = '403') AS forbidden
        FROM read_csv(?, delim = ' ', quote = '"', escape = '', header = false, auto_detect = false, columns = {
            'client': 'VARCHAR', 'ident': 'VARCHAR', 'user': 'VARCHAR', 'time': 'VARCHAR', 'zone': 'VARCHAR',
            'request': 'VARCHAR', 'status': 'VARCHAR', 'bytes': 'VARCHAR', 'referer': 'VARCHAR', 'agent': 'VARCHAR'})
        GROUP BY client, w)
\"\"\", params=[sys.argv[1]]).fetchall())
"""
CHDB = """
import chdb, sys
print(chdb.query(f\"\"\"
    SELECT count(), sum(n), sum(unauthorized), sum(forbidden) FROM (
        SELECT substringIndex(line, ' ', 1) AS client, substring(line, position(line, '[') AS at, 16) AS hour,
            intDiv(toUInt8OrZero(substring(line, at + 16, 2)), 5) AS w, count() AS n,
            countIf(substring(line, position(line, '" ', at + 32) + 2, 3) = '401') AS unauthorized,
            countIf(substring(line, position(line, '" ', at + 32) + 2, 3) = '403') AS forbidden
        FROM file('{sys.argv[1]}', 'LineAsString', 'line String')
        GROUP BY client, hour, w)
    SETTINGS max_threads = 2
\"\"\"))
"""
MAWK = """
$9 == 401 || $9 == 403 { failed[$1 substr($4, 2, 15) int(substr($4, 17, 2) / 5)]++ }
END { for (key in failed) n++; print n }
"""


class Problem(Exception):
    """Something that the user has to put right."""


def main():
    options = parse_options()
    options.data.mkdir(parents=True, exist_ok=True)
    binary = options.binary or built("--bin", "authfault", options.profile)
    print_machine(binary)
    print("| log | command | wall s | × `wc -l` (least to greatest) | CPU s | peak MiB | of it anonymous |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in options.logs:
        with Log(name, options) as log:
            check(binary, log, options.threads)
            for threads in options.threads:
                command = [binary, "--quiet", "--threads", str(threads), "--output", "json", *log.paths]
                row(TITLES[name], f"authfault, {count(threads, 'thread')}", command, log, options)
            if name == "gz":
                unpack = built("--example", "unpack", options.profile)
                row(TITLES[name], "unpacking alone", [unpack, *log.paths], log, options)
    if options.others:
        compare_others(options)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--logs", default=",".join(USUAL), help=f"of {', '.join(TITLES)}, or all [%(default)s]")
    add("--threads", default="2,1", help="[%(default)s]")
    add("--pairs", type=int, default=7, help="at least 5 for a figure that is to be quoted [%(default)s]")
    add("--data", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "bench", help="[%(default)s]")
    add("--keep", action="store_true", help="keep the logs of more than 1 GB and the variants")
    add("--profile", default="release", help="of the build [%(default)s]")
    add("--binary", help="an authfault that is built already")
    add("--loggen", help="a loggen that is built already")
    add("--others", action="store_true", help="other tools too, those that are installed")
    add("--others-log", default="100m", help="what they read [%(default)s]")
    add("--venv", type=pathlib.Path, help="where duckdb and chdb are installed, if not for this Python")
    options = parser.parse_args()
    options.logs = list(TITLES) if options.logs == "all" else options.logs.split(",")
    options.threads = [int(number) for number in options.threads.split(",")]
    for name in [*options.logs, options.others_log]:
        if name not in TITLES:
            parser.error(f"no log is called {name}")
    return options


def built(kind, name, profile):
    """Builds and gives the path of the program."""
    command = ["cargo", "build", "--quiet", "--profile", profile, kind, name, "--message-format", "json"]
    lines = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    programs = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == name]
    return programs[-1]


def print_machine(binary):
    fields = dict(line.split(":", 1) for line in read("/proc/cpuinfo").splitlines() if ":" in line)
    cpu = next((value.strip() for key, value in fields.items() if key.strip() == "model name"), platform.machine())
    memory = next(line for line in read("/proc/meminfo").splitlines() if line.startswith("MemTotal"))
    version = subprocess.run([binary, "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    print(
        f"{datetime.date.today()}, {cpu}, {count(os.cpu_count(), 'core')}, {int(memory.split()[1]) // 2**20} GiB, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f} at the start, {version}, warm cache.\n"
    )


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")


def count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Log:
    """A log, made where it is not there, and removed again where it is large."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.paths = [str(options.data / (f"1g.log.{name}" if name == "gz" else f"{name}.log"))]
        if name == "16g":
            self.paths = [str(options.data / f"week-{week:02}.log") for week in range(WEEKS)]
        # What `wc -l` reads.
        self.plain = [str(options.data / "1g.log")] if name == "gz" else self.paths
        self.is_made = False

    def __enter__(self):
        makers = [(path, self.generate) for path in self.plain]
        if self.name == "gz":
            makers.append((self.paths[0], self.compress))
        if self.name == "16g":
            makers = [(str(self.options.data / "1g.log"), self.generate)]
            makers += [(path, functools.partial(self.move, week)) for week, path in enumerate(self.paths)]
        for path, make in makers:
            if not os.path.exists(path):
                print(f"making {path}", file=sys.stderr)
                self.is_made = True
                with open(path + ".part", "wb") as out:
                    make(out)
                os.rename(path + ".part", path)
        counted = subprocess.run(["wc", "-l", *self.plain], stdout=subprocess.PIPE, check=True).stdout
        self.lines = int(counted.splitlines()[-1].split()[0])
        return self

    def generate(self, out):
        options = self.options
        if not options.loggen:
            options.loggen = built("--example", "loggen", options.profile)
        name = "1g" if self.name in ("gz", "16g") else self.name
        subprocess.run([options.loggen, *LOGS[name]], stdout=out, stderr=subprocess.DEVNULL, check=True)

    def compress(self, out):
        subprocess.run(["nice", "gzip", "-6", "-c", *self.plain], stdout=out, check=True)

    def move(self, week, out):
        """The gigabyte's week, so many weeks later."""
        for lines in check_runs.blocks(self.options.data / "1g.log", week):
            out.write(lines)

    def __exit__(self, *_):
        if self.is_made and not self.options.keep and self.name not in (*USUAL, "gz"):
            for path in self.paths:
                os.remove(path)


def check(binary, log, threads):
    """The answer is whole, and the same for any number of threads."""
    reports = []
    for number in threads:
        command = [binary, "--quiet", "--threads", str(number), "--output", "json", *log.paths]
        reports.append(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if len(set(reports)) != 1:
        raise Problem(f"{log.paths[0]}: the report depends on the number of threads")
    requests = json.loads(reports[0])["totals"]["requests"]
    if requests != log.lines:
        raise Problem(f"{log.paths[0]}: {requests} requests of {log.lines} lines")


def row(title, label, command, log, options):
    is_short = log.name == SHORT
    pairs = measure(command, ["wc", "-l", *log.plain], max(options.pairs, SHORT_PAIRS) if is_short else options.pairs)
    wall = statistics.median(ours[0] for ours, _ in pairs)
    cpu = statistics.median(ours[1] for ours, _ in pairs)
    ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
    peak, anonymous = memory(command)
    digits = 4 if is_short else 3
    print(
        f"| {title} | {label} | {wall:.{digits}f} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) | {cpu:.{digits}f} | {peak / 1024:.0f} | {anonymous / 1024:.0f} |",
        flush=True,
    )


def measure(command, yardstick, pairs):
    run(command)
    run(yardstick)
    return [(run(command), run(yardstick)) for _ in range(pairs)]


def run(command):
    """Wall and CPU seconds."""
    begin = time.perf_counter()
    pid = spawn(command)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status) != 0:
        raise Problem(f"{command[0]} failed with {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_utime + usage.ru_stime


def spawn(command):
    """Starts it, its output to a file: grep, for one, stops at the first match where that goes to /dev/null."""
    files = [(0, os.devnull, os.O_RDONLY), (1, OUTPUT.name, os.O_WRONLY | os.O_TRUNC), (2, os.devnull, os.O_WRONLY)]
    actions = [(os.POSIX_SPAWN_OPEN, fd, path, mode, 0) for fd, path, mode in files]
    return os.posix_spawnp(command[0], command, os.environ, file_actions=actions)


def memory(command):
    """Peaks of the resident and of the anonymous memory in KiB; looked at about every half millisecond.

    The usage that the system reports of a finished process will not do: it counts this program in, which the new
    process was a part of before it became the command.
    """
    peak, anonymous = 0, 0
    for _ in range(MEMORY_RUNS):
        pid = spawn(command)
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            fields = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status").splitlines())
            if "VmHWM" in fields:
                peak = max(peak, int(fields["VmHWM"].split()[0]))
                anonymous = max(anonymous, int(fields["RssAnon"].split()[0]))
            time.sleep(0.0005)
        os.waitpid(pid, 0)
    return peak, anonymous


def compare_others(options):
    absent = []
    with Log(options.others_log, options) as log:
        for label, command in others(log.plain[0], options):
            if command is None:
                absent.append(label)
                continue
            try:
                row(TITLES[log.name], label, command, log, options)
            except (Problem, OSError) as problem:
                absent.append(f"{label} ({problem})")
    print(f"\nNot there: {', '.join(absent)}." if absent else "")


def others(path, options):
    """Label and command of each tool; no command where it is not installed."""
    python = str(options.venv / "bin/python") if options.venv else sys.executable
    scratch = str(options.data / "goaccess.json")
    found = shutil.which
    yield "wc -l", ["wc", "-l", path]
    yield "rhit, its panels", found("rhit") and ["rhit", "--silent-load", "--color", "no", path]
    yield "rg -c, failures", found("rg") and ["rg", "-c", '" 40[13] ', path]
    yield "grep -c, failures", found("grep") and ["grep", "-c", '" 40[13] ', path]
    yield "mawk, failures by address and window", found("mawk") and ["mawk", MAWK, path]
    yield "duckdb, all by address and window", importable(python, "duckdb") and [python, "-c", DUCKDB, path]
    yield "chdb, all by address and window", importable(python, "chdb") and [python, "-c", CHDB, path]
    jobs = ["--jobs", "2"] if found("goaccess") and "--jobs" in help_of("goaccess") else []
    command = ["goaccess", path, "--log-format", "COMBINED", "--no-global-config", "-o", scratch, *jobs]
    yield "goaccess, its panels", found("goaccess") and command


def importable(python, module):
    command = [python, "-c", f"import {module}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0 or None


def help_of(program):
    return subprocess.run([program, "--help"], stdout=subprocess.PIPE, check=False, text=True).stdout


if __name__ == "__main__":
    try:
        main()
    except (Problem, subprocess.CalledProcessError) as problem:
        sys.exit(f"compare.py: {problem}")
