"""What the reports cost: Everycore printing a report every second, with none, and with all that looks: a dashboard's event stream, `everycore top`
on a terminal, and 200 scrapes of /metrics over the run. Interleaved, on the plain load."""

import load
from processes import free_port
from results import median, progress
from watchers import Watchers

VARIANTS = ("off", "on", "watched")
SCRAPES = 200


def measure(variant, seconds):
    if variant != "watched":
        return load.measure("everycore", "plain", load.placements()[0], seconds, ("--report-interval", "1s" if variant == "on" else "off"))
    port = free_port()
    with Watchers(port, seconds / SCRAPES) as watchers:
        row = load.measure("everycore", "plain", load.placements()[0], seconds, ("--report-interval", "1s", "--admin", f"127.0.0.1:{port}"))
    return {**row, **watchers.counts}


def run(rounds, seconds, results):
    rows = []
    for number in range(1, rounds + 1):
        # The order alternates, so that a machine that drifts favours none.
        for variant in VARIANTS if number % 2 else VARIANTS[::-1]:
            row = measure(variant, seconds)
            rows.append({"round": number, "reports": variant, "frames": 0, "scrapes": 0, "screens": 0, **row})
            progress(f"round {number}/{rounds}  reports {variant:7}  {row['cpu_us']:7.3f} µs  {row['errors']}")
    results.write("reports", rows)
    costs = {variant: median([row for row in rows if row["reports"] == variant], "cpu_us") for variant in VARIANTS}
    watched = [row for row in rows if row["reports"] == "watched"]
    results.table("CPU time per request, /plaintext, of all the server's processes", ["reports", "CPU µs/request", "× off"],
                  [[variant, f"{cost:.3f}", f"{cost / costs['off']:.3f}" if costs["off"] else "-"] for variant, cost in costs.items()])
    results.say(", ".join(f"{median(watched, what):.0f} {what}" for what in ("frames", "screens", "scrapes")) + " a run")
    return not any(row["errors"] for row in rows) and all(row["frames"] and row["screens"] for row in watched)
