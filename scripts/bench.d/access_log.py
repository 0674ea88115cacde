"""What a line of the access log costs: Everycore without one and with one in each format, interleaved, on the plain load. The CPU time of the
process that writes the lines is in it."""

import os
import tempfile

import load
from results import median, progress

FORMATS = ("off", "common", "combined", "json")


def run(rounds, seconds, results):
    rows = []
    with tempfile.TemporaryDirectory(prefix="everycore-bench-") as folder:
        path = os.path.join(folder, "access.log")
        for number in range(1, rounds + 1):
            # The order alternates, so that a machine that drifts favours none.
            for form in FORMATS[::1 if number % 2 else -1]:
                log = () if form == "off" else ("--access-log", path, "--access-log-format", form)
                rows.append({"round": number, "log": form, **load.measure("everycore", "plain", load.placements()[0], seconds, ("--quiet", *log))})
                progress(f"round {number}/{rounds}  {form:8}  {rows[-1]['cpu_us']:7.3f} µs  {rows[-1]['errors']}")
                if os.path.exists(path):
                    os.unlink(path)
    results.write("access-log", rows)
    medians = {form: median([row for row in rows if row["log"] == form], "cpu_us") for form in FORMATS}
    results.table("CPU time per request, /plaintext, with an access log", ["format", "CPU µs/request", "ns a line"],
                  [[form, f"{medians[form]:.3f}", "" if form == "off" else f"{(medians[form] - medians['off']) * 1000:.0f}"] for form in FORMATS])
    return not any(row["errors"] for row in rows)
