"""User-space instructions per request, counted by callgrind: a figure that repeats exactly, so a budget can guard it.

The server runs twice under callgrind, once for N and once for 2N requests; the difference, divided by N, has no start
and no end in it. One worker, one connection, one client that sends the same bytes in the same portions each time; with
reports off and Swift's hash seeds fixed nothing else differs. The budget file has one figure a line, such as
`plain 1234`, in instructions per request. Kinds without a budget are counted only when no budget is given.
"""

import glob
import os
import tempfile

import build
from processes import Failure, Process, free_port
from servers import Server, everycore, handlers, write_files

# The server, how many requests, how many at once, their path, and what else the client is told.
KINDS = {
    "plain": (everycore, 8_000, 1, "/plaintext", ()),
    "pipelined": (everycore, 16_000, 16, "/plaintext", ()),
    "browser": (everycore, 4_000, 1, "/plaintext", ("browser",)),
    "json": (everycore, 4_000, 1, "/json", ()),
    "file": (everycore, 4_000, 1, "/1k.bin", ()),
    "sync": (handlers, 4_000, 1, "/constant", ()),
    "async": (handlers, 4_000, 1, "/constant-async", ()),
    "async_wait": (handlers, 4_000, 1, "/constant-later", ()),
    "logged": (everycore, 4_000, 1, "/plaintext", ()),
    "logged_browser": (everycore, 4_000, 1, "/plaintext", ("browser",)),
    "logged_json": (everycore, 4_000, 1, "/plaintext", ("browser",)),
}
# The kinds with an access log: as "plain" and "browser", and what a line costs.
LOG_FORMATS = {"logged": "combined", "logged_browser": "combined", "logged_json": "json"}
# What the first, verified request of a kind is, where it isn't the plain one.
LOADS = {"json": "json", "file": "1k", "sync": "sync", "async": "async", "async_wait": "async_wait"}
QUIET = ("--report-interval", "off", "--quiet")


def run(budget_file, results):
    """Returns False when a figure is over its budget."""
    budget = read_budget(budget_file) if budget_file else {}
    rows = []
    for kind in budget or KINDS:
        count = KINDS[kind][1]
        once, twice = worker_instructions(kind, count), worker_instructions(kind, 2 * count)
        rows.append({"kind": kind, "instructions": round((twice - once) / count), "requests": count, "once": once,
                     "twice": twice, "budget": budget.get(kind, "")})
    results.write("instructions", rows)
    table = []
    for row in rows:
        over = row["budget"] != "" and row["instructions"] > row["budget"]
        table.append([row["kind"], row["instructions"], row["budget"] or "-", "OVER BUDGET" if over else ""])
    results.table("user-space instructions per request (callgrind, one worker)", ["", "instructions", "budget", ""], table)
    return not any("OVER BUDGET" in row for row in table)


def read_budget(path):
    budget = {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if len(words) != 2 or words[0] not in KINDS or not words[1].isdigit():
                raise Failure(f"{path}:{number}: expected one of {', '.join(KINDS)} and a number, found: {line.strip()}")
            budget[words[0]] = int(words[1])
    return budget


def worker_instructions(kind, count):
    """All instructions that the worker executes in user space from its fork to its end, when it serves `count` requests."""
    start, _, depth, path, extra = KINDS[kind]
    with tempfile.TemporaryDirectory(prefix="everycore-bench-") as folder:
        port = free_port()
        callgrind = ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes",
                     f"--callgrind-out-file={folder}/out.%p"]
        if start is everycore:
            if kind == "file":
                write_files(folder)
            log = ("--access-log", f"{folder}/access.log", "--access-log-format", LOG_FORMATS[kind]) if kind in LOG_FORMATS else ()
            binary, *arguments = everycore(port, 1, "1k" if kind == "file" else "plain", folder, QUIET + log)
        else:
            binary, *arguments = start(port, 1, kind, folder)
        command = callgrind + [build.without_debug_information(binary, folder), *arguments]
        environment = {"SWIFT_DETERMINISTIC_HASHING": "1"}
        with open(f"{folder}/stderr", "w+") as log, Process(command, None, environment, stderr=log) as server:
            Server.wait_for_answer(server, port, LOADS.get(kind, "plain"), patience=60)
            workers = [pid for pid in server.workers() if not is_log_writer(pid)]
            if len(workers) != 1:
                raise Failure(f"expected one worker under callgrind, found {len(workers)}")
            with Process([build.program("counted"), str(port), str(count), str(depth), path, *extra]) as client:
                client.child.wait(300)
            server.stop(patience=60)
            if client.child.returncode != 0 or server.child.returncode != 0:
                log.seek(0)
                raise Failure(f"client left with {client.child.returncode}, server with {server.child.returncode}: "
                              + log.read()[-500:])
        return sum(map(total, glob.glob(f"{folder}/out.{workers[0]}*")))


def is_log_writer(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip() == "everycore-log"


def total(path):
    with open(path) as file:
        for line in file:
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    raise Failure(f"callgrind wrote no total to {os.path.basename(path)}")
