"""User-space instructions per request, counted by callgrind: a figure that repeats exactly, so a budget can guard it.

The server runs twice under callgrind, once for N and once for 2N requests; the difference, divided by N, has no start
and no end in it. One worker, one connection, one client that sends the same bytes in the same portions each time; with
reports off and Swift's hash seeds fixed nothing else differs. The budget file has one figure a line:
`plain 1234` or `pipelined 567`, in instructions per request.
"""

import glob
import os
import tempfile

import build
from processes import Failure, Process, free_port
from servers import Server, everycore

REQUESTS = {"plain": 8_000, "pipelined": 16_000}
DEPTH = {"plain": 1, "pipelined": 16}
QUIET = ("--report-interval", "off", "--quiet")


def run(budget_file, results):
    """Returns False when a figure is over its budget."""
    budget = read_budget(budget_file) if budget_file else {}
    rows = []
    for kind, count in REQUESTS.items():
        once, twice = worker_instructions(count, DEPTH[kind]), worker_instructions(2 * count, DEPTH[kind])
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
            if len(words) != 2 or words[0] not in REQUESTS or not words[1].isdigit():
                raise Failure(f"{path}:{number}: expected `plain N` or `pipelined N`, found: {line.strip()}")
            budget[words[0]] = int(words[1])
    return budget


def worker_instructions(count, depth):
    """All instructions that the worker executes in user space from its fork to its end, when it serves `count` requests."""
    with tempfile.TemporaryDirectory(prefix="everycore-bench-") as folder:
        port = free_port()
        callgrind = ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes",
                     f"--callgrind-out-file={folder}/out.%p"]
        binary, *arguments = everycore(port, 1, "plain", folder, QUIET)
        command = callgrind + [build.without_debug_information(binary, folder), *arguments]
        environment = {"SWIFT_DETERMINISTIC_HASHING": "1"}
        with open(f"{folder}/stderr", "w+") as log, Process(command, None, environment, stderr=log) as server:
            Server.wait_for_answer(server, port, "plain", patience=60)
            workers = server.workers()
            if len(workers) != 1:
                raise Failure(f"expected one worker under callgrind, found {len(workers)}")
            with Process([build.program("counted"), str(port), str(count), str(depth)]) as client:
                client.child.wait(300)
            server.stop(patience=60)
            if client.child.returncode != 0 or server.child.returncode != 0:
                log.seek(0)
                raise Failure(f"client left with {client.child.returncode}, server with {server.child.returncode}: "
                              + log.read()[-500:])
        return sum(map(total, glob.glob(f"{folder}/out.{workers[0]}*")))


def total(path):
    with open(path) as file:
        for line in file:
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    raise Failure(f"callgrind wrote no total to {os.path.basename(path)}")
