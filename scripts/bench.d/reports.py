"""What the reports cost: Everycore printing a report every second and with none, interleaved, on the plain load."""

import load
from results import median, progress

VARIANTS = {"on": ("--report-interval", "1s"), "off": ("--report-interval", "off")}


def run(rounds, seconds, results):
    rows = []
    for number in range(1, rounds + 1):
        # The order alternates, so that a machine that drifts favours neither.
        for variant in sorted(VARIANTS, reverse=number % 2 == 1):
            row = load.measure("everycore", "plain", load.placements()[0], seconds, VARIANTS[variant])
            rows.append({"round": number, "reports": variant, **row})
            progress(f"round {number}/{rounds}  reports {variant:3}  {row['cpu_us']:7.3f} µs  {row['errors']}")
    results.write("reports", rows)
    on, off = (median([row for row in rows if row["reports"] == variant], "cpu_us") for variant in ("on", "off"))
    results.table("CPU time per request, /plaintext, with and without reports", ["reports", "CPU µs/request"],
                  [["on", f"{on:.3f}"], ["off", f"{off:.3f}"], ["on / off", f"{on / off:.3f}" if off else "-"]])
    return not any(row["errors"] for row in rows)
