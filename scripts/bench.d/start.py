"""Start: the time from a server's start to its first `200`, with two workers. Runs of the servers are interleaved."""

import shutil
import subprocess
import tempfile

import build
from processes import Failure, Process, free_port
from results import median, progress
from servers import ALL

RUNS = 20
WORKERS = 2


def run(names, results):
    rows = []
    for number in range(1, RUNS + 1):
        rows += [{"run": number, "server": name, "milliseconds": measure(name)} for name in names]
    progress(f"{RUNS} starts of each")
    results.write("start", rows)
    table = []
    for name in names:
        mine = [row for row in rows if row["server"] == name]
        times = sorted(row["milliseconds"] for row in mine)
        table.append([name, f"{median(mine, 'milliseconds'):.1f}", f"{times[0]:.1f}", f"{times[-1]:.1f}"])
    results.table(f"start to first response, {WORKERS} workers, {RUNS} starts", ["server", "median ms", "least", "most"], table)
    return True


def measure(name):
    folder, port = tempfile.mkdtemp(prefix="everycore-bench-"), free_port()
    try:
        command = [build.program("first"), str(port), *ALL[name](port, WORKERS, "plain", folder)]
        with Process(command, stdout=subprocess.PIPE) as first:
            output, _ = first.child.communicate(timeout=40)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if first.child.returncode != 0:
        raise Failure(f"{name} could not be started and ended")
    return int(output.splitlines()[-1]) / 1000
