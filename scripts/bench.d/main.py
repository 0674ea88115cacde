"""scripts/bench: what is measured, and in which order. Run through scripts/bench, which installs what is missing."""

import argparse
import os
import signal
import subprocess
import sys

import access_log
import build
import client
import files
import handlers
import instructions
import load
import memory
import messages
import reports
import servers
import start
from processes import Failure, raise_file_limit, stop_all
from results import Results, machine, progress

DESCRIPTION = """Measures Everycore beside the limit (a C program that writes a constant), nginx, libevent's evhttp, Node's
cluster and Hummingbird, on this machine, in one run with rounds interleaved. Prints tables; writes raw figures, a chart and the
tables to the output directory. Everything runs on loopback."""

WHAT = """what to measure:
  all           everything below (default)
  plain         CPU time per request, throughput and latency of every server under every load
  memory        memory of an idle worker, and of an idle connection with 10,000 open
  start         time from start to first response
  files         CPU time per request for static files, beside nginx with sendfile
  async         CPU time per request of an async handler that doesn't suspend, beside a synchronous one
  instructions  Everycore's user-space instructions per request (callgrind); --budget FILE makes it a check
  reports       Everycore with reports on and off, and with a dashboard, top and scrapes
  log           Everycore with and without an access log, in each format
  messages      messages between a worker and its master, beside Node's process.send and a bare socket pair

BENCH_BINARY=PATH measures that binary instead of building one. Exit status: 0, or 1 when a server failed,
a load had errors or an instruction count is over its budget."""


def parse():
    parser = argparse.ArgumentParser("scripts/bench", description=DESCRIPTION, epilog=WHAT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all",
                        choices=["all", "plain", "memory", "start", "files", "async", "instructions", "reports", "log", "messages"],
                        metavar="WHAT")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="rounds; medians are over them (3)")
    parser.add_argument("--seconds", type=positive, default=4, metavar="S", help="measured seconds of each load (4)")
    parser.add_argument("--output", default=os.path.join(build.ROOT, "bench-results"), metavar="DIR",
                        help="where figures and chart go (bench-results)")
    parser.add_argument("--servers", type=some_of(servers.ALL), default=list(servers.ALL), metavar="A,B",
                        help=f"only these of {','.join(servers.ALL)}")
    parser.add_argument("--loads", type=some_of(client.LOADS), default=list(client.LOADS), metavar="A,B",
                        help=f"only these of {','.join(client.LOADS)}")
    parser.add_argument("--budget", metavar="FILE", help="instructions: fail when a figure is over the one in FILE")
    return parser.parse_args()


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def some_of(known):
    def chosen(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names
    return chosen


def measure(options, results):
    steps = {
        "plain": lambda names: load.run(names, options.loads, options.rounds, options.seconds, results),
        "memory": lambda names: memory.run(names, options.rounds, results),
        "start": lambda names: start.run(names, results),
        "files": lambda names: files.run(names, options.rounds, options.seconds, results),
        "async": lambda names: handlers.run(options.rounds, options.seconds, results),
        "instructions": lambda names: instructions.run(options.budget, results),
        "reports": lambda names: reports.run(options.rounds, options.seconds, results),
        "log": lambda names: access_log.run(options.rounds, options.seconds, results),
        "messages": lambda names: messages.run(options.rounds, results),
    }
    chosen = list(steps) if options.what == "all" else [options.what]
    compared = {"plain", "memory", "start", "files"} & set(chosen)
    wanted = [name for name in options.servers if name in files.SERVERS or compared != {"files"}]
    names = servers.available(wanted, results.say) if compared else []
    results.say("  ".join(f"{key}: {value}" for key, value in machine().items()))
    good = True
    for step in chosen:
        progress(f"— {step}")
        good = steps[step](names) and good
    return good


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: by way of `finally`
    raise_file_limit()
    try:
        return 0 if measure(options, Results(options.output, options.what)) else 1
    except (Failure, subprocess.TimeoutExpired) as reason:
        print(f"scripts/bench: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stop_all()


if __name__ == "__main__":
    sys.exit(main())
