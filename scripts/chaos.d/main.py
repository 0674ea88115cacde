"""scripts/chaos: which storms run, and what is said of them. Run through scripts/chaos, which installs what is missing."""

import argparse
import os
import signal
import sys
import time
import types

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench.d"))

import build
import ends
import family
import holds
import mixed
import poison
import quota
import server
import storms
import table
from processes import Failure, raise_file_limit, stop_all
from verdict import HEADING

STORMS = {
    "kills": storms.kills, "massacres": storms.massacres, "stops": storms.stops, "reloads": storms.reloads, "scaling": storms.scaling,
    "upgrades": storms.upgrades, "quota": quota.quota, "recycling": storms.recycling, "master": ends.master, "many": ends.many,
    "half": ends.half, "deaths": ends.deaths, "poison": poison.poison, "loop": poison.loop, "holds": holds.holds, "mixed": mixed.mixed,
}
SHORT = ["kills", "stops", "reloads", "scaling", "upgrades", "quota", "recycling", "master", "poison", "loop"]

DESCRIPTION = """Storms against Everycore under load: every request of the clients is counted, and compared with the server's own
total. Everything has its default. A promise that is broken is named. The long form takes about half an hour on a machine that does
nothing else."""


class Run:
    """How long and how strict."""

    def __init__(self, options):
        self.is_short = options.short
        self.given = options.seconds
        self.match = options.match
        # Scheduling alone takes longer where others use the machine.
        self.limit_ms = 250 if options.short else 20

    def seconds(self, short, long):
        return self.given or (short if self.is_short else long)

    def goes_on(self, count, short, long, until):
        """Of a storm that goes by count, unless seconds were given."""
        return time.monotonic() < until if self.given else count < (short if self.is_short else long)

    def with_limit(self, limit_ms):
        """For a storm that holds requests up by itself."""
        other = object.__new__(Run)
        other.__dict__.update(self.__dict__, limit_ms=max(limit_ms, self.limit_ms))
        return other


def parse():
    listing = "storms:\n" + "\n".join(f"  {name:<11}{' '.join(body.__doc__.split())}" for name, body in STORMS.items())
    parser = argparse.ArgumentParser(
        "scripts/chaos", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=listing + "\n\nBENCH_BINARY=PATH storms that binary instead of building one. Exit status: 0, or 1 when a promise was broken.")
    parser.add_argument("storms", nargs="*", metavar="STORM", help="only these (default: all)")
    parser.add_argument("--short", action="store_true", help="forty seconds in all: " + ", ".join(SHORT))
    parser.add_argument("--seconds", type=float, metavar="N", help="each storm goes on for so long")
    parser.add_argument("--match", default="", metavar="TEXT", help="of poison, loop and holds only those whose line has this text, such as “, 2 w”")
    parser.add_argument("--logs", metavar="FOLDER", help="keep the servers' logs there, named by their ports")
    parser.add_argument("--table", metavar="FILE", help="renew the rows of these storms in the table of this Markdown file")
    parser.add_argument("--losses", action="store_true", help="list every request that got no answer, with the kill that it was in flight at")
    parser.add_argument("--watched", action="store_true", help="a dashboard and top are open, and a scrape each tenth of a second sees no counter go backwards")
    options = parser.parse_args()
    for name in options.storms:
        if name not in STORMS:
            parser.error(f"{name} is none of {', '.join(STORMS)}")
    return options


def order():
    """The names of all lines of the long form."""
    lines = {"poison": [cell.name for cell in poison.poison_cells(False)], "loop": [cell.name for cell in poison.loop_cells(False)],
             "holds": list(holds.NAMES)}
    return [line for name in STORMS for line in lines.get(name, [name])]


def weather(run, names, shows_losses, table_path=None):
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} before\n{HEADING}", flush=True)
    good = True
    for name in names:
        try:
            results = STORMS[name](run)
            for verdict in results if isinstance(results, types.GeneratorType) else [results]:
                good = verdict.is_good and good
                print("\n".join(verdict.lines(shows_losses)), flush=True)
                if table_path:
                    table.renew(table_path, verdict, order())
        except server.TROUBLE as reason:
            good = False
            print(f"✘ {name}: {type(reason).__name__}: {reason}", flush=True)
        finally:
            server.stop_all()
    return good


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: by way of `finally`
    raise_file_limit()
    family.adopt_orphans()
    try:
        build.everycore()
        build.program("storm")
        server.logs, server.is_watched = options.logs, options.watched
        begun = time.monotonic()
        good = weather(Run(options), options.storms or (SHORT if options.short else list(STORMS)), options.losses,
                       options.table)
        if options.watched:
            print("watched by " + ", ".join(f"{count} {what}" for what, count in server.watched.items()))
        print(f"{'every promise was kept' if good else 'a promise was broken'}, in {time.monotonic() - begun:.0f} s")
        return 0 if good else 1
    except Failure as reason:
        print(f"scripts/chaos: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        server.stop_all()
        stop_all()


if __name__ == "__main__":
    sys.exit(main())
