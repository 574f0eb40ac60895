#!/usr/bin/env python3
"""Reads access logs on a Spark cluster with authfault, and reports as one machine would.

    authfault spark-job > authfault_spark.py
    spark-submit --files "$(command -v authfault)" authfault_spark.py \\
        --authfault "$(command -v authfault)" -o report.json -o report.html hdfs:///logs/2026-03-10

Tried with Spark 4.3; needs pyarrow and pandas beside pyspark. The paths are files, directories or patterns of any file
system that Spark can read. Spark cuts plain files into ranges of whole lines (`--split`) and hands packed
ones over whole; authfault itself, which travels with `--files`, reads the lines (`authfault map`), and merges and reports
on the driver (`authfault reduce`). The binary must run on the workers: same architecture, and a C library no older than
the one it was built with.

A task's part leaves Spark only with the task's result, so tasks that fail, are tried again or run twice count once. Which
stretch of which file a part holds is checked when parts are merged: what is missing or there twice is named, and the exit
status is 2. spark-submit mixes what is said on the way into its standard output: ask for files with `-o`. What stands
behind `--map` and `--reduce` is passed on: --map="--tz=Europe/Berlin" --reduce="--since=2h".
"""
import argparse
import hashlib
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from pyspark import SparkFiles, StorageLevel
from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

HEAD_BYTES = 128 << 10  # as much as authfault looks at to tell a format
WHOLE_BYTES_MAX = (2 << 30) - (1 << 20)  # Spark holds a packed file in one array
BOM = b"\xef\xbb\xbf"
ROW = "name string, start long, end long, part binary"
MERGED_TOGETHER = 64  # parts that one task merges, where there are more


def main():
    args = arguments()
    spark = SparkSession.builder.appName("authfault").getOrCreate()
    spark.conf.set("spark.sql.files.maxPartitionBytes", args.split)
    # One range or file for each task: so is each part of one stretch.
    spark.conf.set("spark.sql.files.openCostInBytes", args.split)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 100_000)
    files, problems = look_at(spark, args.paths)
    for problem in problems:
        print(f"authfault: {problem}", file=sys.stderr)
    if not files:
        sys.exit("authfault: no log can be read")
    plain = [file for file in files if file["is_plain"] and file["size"]]
    whole = [file for file in files if not (file["is_plain"] and file["size"])]
    binary = {
        "name": os.path.basename(args.authfault),
        "path_here": os.path.abspath(args.authfault),
        "sha256": sha256(args.authfault),
        "map": shlex.split(args.map),
    }
    total = sum(file["size"] for file in files)
    print(f"authfault: {len(files)} files, {total:,} bytes, of which {len(plain)} files are cut", file=sys.stderr)

    rows = maps(spark, plain, whole, binary, args.split)
    with tempfile.TemporaryDirectory() as folder:
        parts = os.path.join(folder, "all.afpart")
        with open(parts, "wb") as out:
            out.writelines(collected(spark, rows, plain, binary, args.split))
        expected = os.path.join(folder, "expected")
        with open(expected, "wb") as out:
            out.writelines(file["name"].encode() + b"\n" for file in files)
        outputs = [word for path in args.o for word in ("-o", path)]
        command = [args.authfault, "reduce", *shlex.split(args.reduce), *outputs, "--expect", expected, parts]
        status = subprocess.run(command).returncode
    spark.stop()
    sys.exit(status or (2 if problems else 0))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="logs on any file system that Spark can read")
    parser.add_argument("--authfault", required=True, help="the binary that also travels with --files")
    parser.add_argument("--split", type=int, default=256 << 20, help="bytes of a plain file for one task")
    parser.add_argument("--map", default="", help="options of `authfault map`")
    parser.add_argument("--reduce", default="", help="options of `authfault reduce`")
    parser.add_argument("-o", action="append", default=[], metavar="FILE", help="a report to write, on the driver")
    return parser.parse_args()


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def look_at(spark, paths):
    """Opens every file, so that what cannot be read is named before hours of work; reads how it begins."""
    java = spark.sparkContext._jvm
    conf = spark.sparkContext._jsc.hadoopConfiguration()
    statuses, problems = [], []
    for path in paths:
        where = java.org.apache.hadoop.fs.Path(path)
        try:
            system = where.getFileSystem(conf)
            found = system.globStatus(where)
            if not found:
                problems.append(f"{path}: no such file")
            for status in found or []:
                statuses.extend(files_below(system, status))
        except Exception as error:
            problems.append(f"{path}: {first_line(error)}")

    def head(status):
        where = status.getPath()
        uri = where.toString()
        try:
            stream = where.getFileSystem(conf).open(where)
            try:
                size = status.getLen()
                length = min(size, HEAD_BYTES)
                head = bytes(java.org.apache.commons.io.IOUtils.toByteArray(stream, length)) if length else b""
            finally:
                stream.close()
        except Exception as error:
            return f"{name_of(uri)}: cannot read it: {first_line(error)}"
        # A log that names its columns on the way cannot be read from its middle.
        is_plain = b"\0" not in head[:512] and head[:2] not in (b"\x1f\x8b", b"BZ", b"PK") and head[:4] != b"\x28\xb5\x2f\xfd"
        is_plain = is_plain and head[:6] != b"\xfd7zXZ\0" and b"#Fields:" not in head
        if not is_plain and size > WHOLE_BYTES_MAX:
            return f"{name_of(uri)}: expected less than 2 GiB of a file that cannot be cut, found {size:,} bytes"
        marked = len(BOM) if head.startswith(BOM) else 0
        return {"uri": uri, "name": name_of(uri), "size": size - marked, "head": head[marked:], "is_plain": is_plain}

    with ThreadPoolExecutor(16) as pool:
        looked = list(pool.map(head, statuses))
    problems.extend(one for one in looked if isinstance(one, str))
    files = {one["uri"]: one for one in looked if not isinstance(one, str)}
    return sorted(files.values(), key=lambda file: file["name"]), problems


def files_below(system, status):
    if not status.isDirectory():
        return [status]
    below = system.listStatus(status.getPath())
    visible = [one for one in below if not one.getPath().getName().startswith((".", "_"))]
    return [file for one in visible for file in files_below(system, one)]


def name_of(uri):
    """As one machine would call it; `file:` URIs have one slash or three."""
    return "/" + uri[len("file:"):].lstrip("/") if uri.startswith("file:") else uri


def first_line(error):
    return str(getattr(error, "java_exception", error)).splitlines()[0]


def maps(spark, plain, whole, binary, split):
    """Rows of a file's name, the byte at which a stretch of it begins, the one at which it ends, and its part."""
    rows = None
    if whole:
        frame = spark.read.format("binaryFile").load([file["uri"] for file in whole]).select("path", "content")
        rows = frame.mapInArrow(whole_mapper(binary, {key(file["uri"]): file["name"] for file in whole}), ROW)
    if plain:
        # The reader cuts at newlines and hands on the bytes as they are: nothing is decoded.
        lines = spark.read.option("lineSep", "\n").text([file["uri"] for file in plain]).select(
            sql.col("value").cast("binary").alias("line"),
            sql.col("_metadata.file_path").alias("path"),
            sql.col("_metadata.file_block_start").alias("start"),
            sql.col("_metadata.file_block_length").alias("length"),
        )
        about = {key(file["uri"]): (file["name"], file["size"], first_lines(file, split)) for file in plain}
        ranges = lines.mapInArrow(range_mapper(binary, about), ROW)
        rows = rows.union(ranges) if rows else ranges
    # Kept on disk where it was made, so that asking twice does not read twice.
    return rows.persist(StorageLevel.DISK_ONLY)


def key(uri):
    """One spelling of a path: Spark writes `file:/`, `file:///` and escapes as it likes."""
    return unquote(name_of(uri))


def first_lines(file, split):
    """What tells the format of a file, where most of its tasks do not see its beginning."""
    return b"" if file["size"] <= split else b"\n".join(file["head"].split(b"\n")[:200]) + b"\n"


def whole_mapper(binary, names):
    def run(batches):
        for batch in batches:
            for path, content in zip(batch.column("path").to_pylist(), batch.column("content")):
                part = run_map(binary, ["--name", names[key(path)]], [content.as_buffer()])
                yield row(names[key(path)], 0, 0, part)

    return run


def range_mapper(binary, about):
    def run(batches):
        import pyarrow
        import pyarrow.compute

        batches = (batch for batch in batches if batch.num_rows)
        first = next(batches, None)
        if first is None:
            return
        stretch = [first.column(name)[0].as_py() for name in ("path", "start", "length")]

        def text():
            for batch in itertools.chain([first], batches):
                if [batch.column(name)[-1].as_py() for name in ("path", "start", "length")] != stretch:
                    raise RuntimeError(f"expected one stretch of a file in one task, found more behind {stretch}")
                lines = pyarrow.ListArray.from_arrays([0, batch.num_rows], batch.column("line"))
                yield pyarrow.compute.binary_join(lines, b"\n")[0].as_buffer()
                yield b"\n"

        path, start, length = stretch
        name, size, head = about[key(path)]
        yield row(name, start, start + length, map_range(binary, name, start, start + length, size, head, text()))

    return run


def row(name, start, end, part):
    import pyarrow

    columns = [[name], pyarrow.array([start], pyarrow.int64()), pyarrow.array([end], pyarrow.int64())]
    return pyarrow.RecordBatch.from_arrays(
        [pyarrow.array(columns[0]), *columns[1:], pyarrow.array([part], pyarrow.binary())], ["name", "start", "end", "part"]
    )


def map_range(binary, name, start, end, size, head, text):
    with tempfile.NamedTemporaryFile() as file:
        file.write(head)
        file.flush()
        about = ["--name", name, "--range", f"{start}:{end}", "--size", str(size)]
        return run_map(binary, about + (["--head", file.name] if start else []), text)


def run_map(binary, about, text):
    """What `authfault map` makes of a text. Where it fails, so does the task, and Spark tries again."""
    path = SparkFiles.get(binary["name"]) if "path" not in binary else binary["path"]
    if sha256(path) != binary["sha256"]:
        raise RuntimeError(f"{path}: expected the binary that the driver has, found another one")
    command = [path, "map", "-", *about, "--threads", "1", "--quiet", *binary["map"]]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err) as process:
            try:
                for piece in text:
                    process.stdin.write(piece)
            except BrokenPipeError:
                pass  # The status and the message say why.
            process.stdin.close()
        out.seek(0)
        err.seek(0)
        part = out.read()
        # 2 with a part: what is wrong with the text stands in it, and the report will say so.
        if process.returncode not in (0, 2) or not part:
            raise RuntimeError(f"{shlex.join(command)}: {process.returncode}: {err.read().decode(errors='replace')}")
        return part


def collected(spark, rows, plain, binary, split):
    """All parts, merged on the cluster where there are many, and the parts of stretches in which no line begins."""
    with Progress(spark):
        there = {(one.name, one.start) for one in rows.select("name", "start").collect()}
        parts = rows.select("part").rdd.map(lambda one: bytes(one.part))
        if len(there) > MERGED_TOGETHER:
            merger = lambda some: merged(binary, some)
            parts = parts.repartition(len(there) // MERGED_TOGETHER + 1).mapPartitions(merger)
        yield from parts.collect()
    # That nothing else is missing is seen by the bytes, which `reduce` adds up.
    here = dict(binary, path=binary["path_here"])
    for file in plain:
        for start in range(0, file["size"], split):
            if (file["name"], start) not in there:
                end = min(start + split, file["size"])
                yield map_range(here, file["name"], start, end, file["size"], first_lines(file, split), [])


def merged(binary, parts):
    """Many parts as one that says the same."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("some.afpart", "one.afpart")]
        with open(paths[0], "wb") as out:
            out.writelines(parts)
        if os.path.getsize(paths[0]):
            # What is missing here may be in another task's hands: the status of the last merging counts.
            command = [SparkFiles.get(binary["name"]), "reduce", "--quiet", "--merge-into", paths[1], paths[0]]
            process = subprocess.run(command, stderr=subprocess.PIPE)
            if not os.path.exists(paths[1]):
                raise RuntimeError(f"{shlex.join(command)}: {process.stderr.decode(errors='replace')}")
            with open(paths[1], "rb") as file:
                yield file.read()


class Progress:
    """Says every ten seconds how many tasks are done."""

    def __init__(self, spark):
        self.tracker, self.done = spark.sparkContext.statusTracker(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.done.wait(10):
            stages = [self.tracker.getStageInfo(stage) for stage in self.tracker.getActiveStageIds()]
            for stage in filter(None, stages):
                print(f"authfault: {stage.numCompletedTasks} of {stage.numTasks} tasks done", file=sys.stderr)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.done.set()


if __name__ == "__main__":
    main()
