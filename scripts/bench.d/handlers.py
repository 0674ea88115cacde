"""What async costs: the same constant from a synchronous handler, an async one that doesn't suspend and one that does once, interleaved."""

import load
from client import HANDLERS
from results import median, progress


def run(rounds, seconds, results):
    rows = []
    for number in range(1, rounds + 1):
        # The order alternates, so that a machine that drifts favours neither.
        for kind in sorted(HANDLERS, reverse=number % 2 == 1):
            rows.append({"round": number, **load.measure("handlers", kind, load.placements()[0], seconds)})
            progress(f"round {number}/{rounds}  {kind:10}  {rows[-1]['cpu_us']:7.3f} µs  {rows[-1]['errors']}")
    results.write("async", rows)
    sync, at_once, later = (median([row for row in rows if row["load"] == kind], "cpu_us") for kind in ("sync", "async", "async_wait"))
    results.table("CPU time per request, a constant of 13 bytes, keep-alive", ["handler", "CPU µs/request"],
                  [["synchronous", f"{sync:.3f}"], ["async", f"{at_once:.3f}"], ["async, suspends once", f"{later:.3f}"],
                   ["differences", f"{at_once - sync:.3f}, {later - sync:.3f}"]])
    return not any(row["errors"] for row in rows)
