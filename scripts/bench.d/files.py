"""Static files of three sizes: CPU time per request of Everycore and of nginx with sendfile, pinned as in `plain`, interleaved."""

import load
from client import FILES
from results import median, progress, ratio

SERVERS = ("everycore", "nginx")


def run(names, rounds, seconds, results):
    names = [name for name in SERVERS if name in names]
    rows = []
    for number in range(1, rounds + 1):
        for size in FILES:
            # The order alternates, so that a machine that drifts favours neither.
            for name in names[::1 if number % 2 else -1]:
                rows.append({"round": number, **load.measure(name, size, load.placements()[0], seconds)})
                progress(f"round {number}/{rounds}  {size:4}  {name:9}  {rows[-1]['cpu_us']:8.2f} µs  {rows[-1]['errors']}")
    results.write("files", rows)
    for size in FILES:
        group = {name: [row for row in rows if (row["load"], row["server"]) == (size, name)] for name in names}
        base = median(group["nginx"], "cpu_us") if "nginx" in group else 0
        table = [[name, f"{median(mine, 'cpu_us'):.2f}", ratio(median(mine, "cpu_us"), base), f"{median(mine, 'per_second'):.0f}",
                  f"{median(mine, 'per_second') * FILES[size] / 1e6:.0f}", f"{median(mine, 'p50_us'):.0f}",
                  f"{median(mine, 'p99_us'):.0f}", f"{median(mine, 'busy'):.0%}"] for name, mine in group.items()]
        columns = ["server", "CPU µs/request", "× nginx", "requests/s", "MB/s", "p50 µs", "p99 µs", "server busy"]
        results.table(f"a file of {FILES[size]} bytes, keep-alive", columns, table)
    return not any(row["errors"] for row in rows)
