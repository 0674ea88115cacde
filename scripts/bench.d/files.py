"""Static files of three sizes: CPU time per request of Everycore and of nginx with sendfile, pinned as in `plain`, interleaved."""

import load
import network
from client import FILES
from results import median, progress, ratio

SERVERS = ("everycore", "nginx")
COLUMNS = ["server", "CPU µs/request", "× nginx", "with client's", "× nginx", "requests/s", "MB/s", "p50 µs", "p99 µs", "server busy"]


def run(names, rounds, seconds, results):
    names = [name for name in SERVERS if name in names]
    rows = []
    for control, entered in network.all_of_them(results.say):
        with entered():
            rows += measure(control, names, rounds, seconds)
        for size in FILES:
            print_table(size, control, [row for row in rows if (row["load"], row["congestion"]) == (size, control)], names, results)
    results.write("files", rows)
    return not any(row["errors"] for row in rows)


def measure(control, names, rounds, seconds):
    rows = []
    for number in range(1, rounds + 1):
        for size in FILES:
            # The order alternates, so that a machine that drifts favours neither.
            for name in names[::1 if number % 2 else -1]:
                row = {"round": number, "congestion": control, **load.measure(name, size, load.placements()[0], seconds)}
                rows.append(row)
                progress(f"round {number}/{rounds}  {control}  {size:4}  {name:9}  {row['cpu_us']:8.2f} µs  {row['errors']}")
    return rows


def print_table(size, control, rows, names, results):
    group = {name: [row for row in rows if row["server"] == name] for name in names}
    base = {field: median(group["nginx"], field) if "nginx" in group else 0 for field in ("cpu_us", "cores_us")}
    table = [[name, *(text for field in base for text in (f"{median(mine, field):.2f}", ratio(median(mine, field), base[field]))),
              f"{median(mine, 'per_second'):.0f}", f"{median(mine, 'per_second') * FILES[size] / 1e6:.0f}",
              f"{median(mine, 'p50_us'):.0f}", f"{median(mine, 'p99_us'):.0f}", f"{median(mine, 'busy'):.0%}"]
             for name, mine in group.items()]
    results.table(f"a file of {FILES[size]} bytes, keep-alive, {control}", COLUMNS, table)
