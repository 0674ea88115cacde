"""The comparison of loads: CPU time per request, throughput and latency of every server, rounds interleaved.

Pinned: one worker on the first core, wrk on the second. All cores: a worker per core, a wrk thread per core, no pinning.
CPU time is user and system of all the server's processes over exactly one run of wrk, divided by the requests wrk saw
answered. That of the cores is of all processes, the client's and interrupts' too.
"""

import itertools

import chart
import client
from processes import CORES, busy_seconds
from results import median, progress, ratio
from servers import Server

PLACEMENTS = ("pinned", "all cores")
WARM_UP_SECONDS = 1


def placements():
    return PLACEMENTS if len(CORES) > 1 else PLACEMENTS[1:]  # nothing can be pinned apart on one core


def measure(name, load, placement, seconds, extra=None):
    """One server, one load, once: a row of raw figures."""
    pinned = placement == "pinned"
    workers, server_cores, client_cores = (1, CORES[:1], CORES[1:2]) if pinned else (len(CORES), None, None)
    with Server(name, load, workers, server_cores, extra) as server:
        client.run_wrk(server.port, load, WARM_UP_SECONDS, workers, client_cores)
        cores = CORES[:2] if pinned else CORES
        before, all_before = server.process.cpu_seconds(), busy_seconds(cores)
        figures = client.run_wrk(server.port, load, seconds, workers, client_cores)
        spent, all_spent = server.process.cpu_seconds() - before, busy_seconds(cores) - all_before
        errors = figures.pop("errors")
        return {
            "server": name, "load": load, "placement": placement,
            "cpu_us": spent * 1e6 / max(1, figures["requests"]), "cores_us": all_spent * 1e6 / max(1, figures["requests"]),
            **figures, "cpu_seconds": spent,
            "busy": spent / seconds, "response_bytes": len(server.sample),
            "errors": " ".join(f"{kind}={count}" for kind, count in errors.items()),
        }


def run(names, loads, rounds, seconds, results):
    """Returns False when any run had an error, for then its figures can't be trusted."""
    minutes = rounds * len(placements()) * len(loads) * len(names) * (seconds + WARM_UP_SECONDS + 1) / 60
    progress(f"{rounds} rounds of {len(names)} servers: about {minutes:.0f} min")
    rows = []
    try:
        for number, placement, load, name in itertools.product(range(1, rounds + 1), placements(), loads, names):
            row = {"round": number, **measure(name, load, placement, seconds)}
            rows.append(row)
            progress(f"round {number}/{rounds}  {placement:9}  {load:9}  {name:11}  {row['cpu_us']:7.2f} µs"
                     f"  {row['per_second']:9.0f}/s  {row['errors']}")
    finally:
        if rows:
            results.write("load", rows)  # what was measured before a failure or Ctrl-C is kept
    groups = {(placement, load): summarize(rows, placement, load, names) for placement in placements() for load in loads}
    for (placement, load), group in groups.items():
        print_group(placement, load, group, results)
    results.write_text("load.svg", chart.draw(groups))
    results.say(f"\nchart: {results.folder}/load.svg   raw figures: {results.folder}/load.csv, load.json")
    return not any(row["errors"] for row in rows)


def summarize(rows, placement, load, names):
    """Medians over the rounds, by server."""
    group = {}
    for name in names:
        mine = [row for row in rows if (row["placement"], row["load"], row["server"]) == (placement, load, name)]
        fields = ("cpu_us", "per_second", "p50_us", "p99_us", "busy", "response_bytes")
        group[name] = {field: median(mine, field) for field in fields}
        group[name]["errors"] = any(row["errors"] for row in mine)
    return group


def print_group(placement, load, group, results):
    base = {peer: group[peer]["cpu_us"] if peer in group else 0 for peer in ("limit", "nginx")}
    columns = ["server", "CPU µs/request", "× limit", "× nginx", "requests/s", "p50 µs", "p99 µs", "server busy",
               "response bytes", ""]
    table = [[
        name, f"{row['cpu_us']:.2f}", ratio(row["cpu_us"], base["limit"]), ratio(row["cpu_us"], base["nginx"]),
        f"{row['per_second']:.0f}", f"{row['p50_us']:.0f}", f"{row['p99_us']:.0f}", f"{row['busy']:.0%}",
        f"{row['response_bytes']:.0f}", "ERRORS" if row["errors"] else "",
    ] for name, row in group.items()]
    note = "; latency is of the batch of 16" if load == "pipelined" else ""
    results.table(f"{client.TITLES[load]} ({placement}{note})", columns, table)
