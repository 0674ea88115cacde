"""What a bench leaves behind: tables on standard output and in a text file, raw figures as CSV and JSON."""

import csv
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

import build


class Results:
    def __init__(self, folder, name):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.summary = open(os.path.join(folder, f"{name}.txt"), "w")

    def say(self, text=""):
        print(text, flush=True)
        self.summary.write(text + "\n")
        self.summary.flush()

    def table(self, title, columns, rows):
        """Prints rows of text; the first column is aligned left, the others right."""
        lines = [columns] + [[str(cell) for cell in row] for row in rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        self.say()
        self.say(title)
        for number, line in enumerate(lines):
            self.say("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
            if number == 0:
                self.say("  " + "  ".join("-" * width for width in widths))

    def write(self, name, rows):
        """The raw figures: every single measurement, not only the medians."""
        with open(os.path.join(self.folder, f"{name}.json"), "w") as file:
            json.dump({"machine": machine(), "rows": rows}, file, indent=1)
            file.write("\n")
        with open(os.path.join(self.folder, f"{name}.csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def write_text(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def median(rows, field):
    return statistics.median(row[field] for row in rows)


def ratio(value, base):
    return f"{value / base:.2f}" if base else "-"


def machine():
    """What the figures were measured on, and of which commit."""
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    commit = subprocess.run(["git", "-C", build.ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or "unknown",
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }
