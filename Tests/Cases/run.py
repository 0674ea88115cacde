#!/usr/bin/env python3
"""Small programs that start the server, do one thing to it and say whether that came out right. Each is a test.

    Tests/Cases/run.py PROGRAMS [--jobs N] [CASE…]     PROGRAMS is the folder of everycore and everycore-case-program
    Tests/Cases/run.py --list

A case that can't run here is skipped, and says why. Exit status: 0, or 1 when a case failed.
"""

import argparse
import concurrent.futures
import importlib
import os
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from support import CASES, Box, Wrong

FILES = sorted(name[:-3] for name in os.listdir(HERE) if name.endswith(".py") and name not in ("run.py", "support.py"))
PATIENCE_SECONDS = 180


def parse():
    parser = argparse.ArgumentParser("run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="?", help="the folder of the programs")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only those whose name or file begins so")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="so many at a time (default: the cores)")
    parser.add_argument("--list", action="store_true", help="name them")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.list and not options.programs:
        parser.error("name the folder of the programs")
    return options


def run_alone(programs, name):
    """In this process: 0, or 1 with the reasons on standard output."""
    with Box(programs) as box:
        try:
            CASES[name].body(box)
        except Wrong as reason:
            box.problems.append(str(reason))
        except Exception:
            box.problems.append(traceback.format_exc())
    print("\n".join(box.problems))
    return 1 if box.problems else 0


def run(programs, one):
    """In a process of its own: the mark, and what there is to say."""
    if one.obstacle:
        return "➜", f"skipped: {one.obstacle}"
    command = [sys.executable, os.path.abspath(__file__), "--alone", programs, one.name]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return "✘", f"took more than {PATIENCE_SECONDS} s"
    return ("✔", "") if done.returncode == 0 else ("✘", done.stdout.strip())


def main():
    options = parse()
    for name in FILES:
        importlib.import_module(name)
    if options.alone:
        return run_alone(options.programs, options.cases[0])
    chosen = [one for one in CASES.values() if not options.cases or one.name.startswith(tuple(options.cases)) or one.file.startswith(tuple(options.cases))]
    if options.list:
        print("\n".join(f"{one.file[:-3]:<14}{one.name}" for one in chosen))
        return 0
    counts = {"✔": 0, "✘": 0, "➜": 0}
    with concurrent.futures.ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        for one, (mark, said) in zip(chosen, pool.map(lambda one: run(options.programs, one), chosen)):
            counts[mark] += 1
            print(f"{mark} {one.name}" + (f": {said}" if said else ""), flush=True)
    print(f"{counts['✔']} passed, {counts['✘']} failed, {counts['➜']} skipped")
    return 1 if counts["✘"] or not counts["✔"] else 0


if __name__ == "__main__":
    sys.exit(main())
