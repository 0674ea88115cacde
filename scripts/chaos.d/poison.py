"""The storms of requests that kill, or hold, the worker that takes them, beside requests that are fast and requests that wait."""

import os
import shutil
import time

import acts
from server import TROUBLE, Server, stop_all
from timeline import Timeline, share_lost, spans_from_third
from traffic import Group, Rate, Traffic
from verdict import Verdict

def fast(path):
    return Group("fast", path, keep=24, short=8, pause_ms=4)


FAST = fast("/constant")
WAITING = Group("wait", "/wait?ms=500", keep=32, short=16, pause_ms=10, slow_ms=0)
LOST_AT_MOST = {"fast": 0.001, "wait": 0.01}
# Up to so many requests that kill in a second, and from two workers on, fast requests stay fast.
FAST_UNTIL_RATE, FAST_MS = 20, 50
# The first requests that do harm are sent when the others have connected.
BEGIN_SECONDS = 0.5
# How long a storm goes on after what it waits for.
SHORT_SETTLE, LONG_SETTLE = 1.5, 3

RATES, WORKERS, SLOW_START_MS = (0.5, 2, 10, 20, 100), (1, 2, 4, 8), 5000


class Cell:
    """One way to do harm, so often, to so many workers."""

    def __init__(self, kind, path, rate, workers, start_ms=0, has_orders=True, name=None, beside=FAST, environment=None):
        """
        start_ms     how long a worker takes to start
        beside       the fast requests
        environment  the server's, beside that of this process
        """
        self.kind, self.path, self.rate, self.workers, self.start_ms, self.has_orders = kind, path, rate, workers, start_ms, has_orders
        self.beside, self.environment = beside, environment
        way = name or path.strip("/").replace("-async", " after await")
        self.name = f"{way} {rate:g}/s, {workers} w" + (f", {start_ms / 1000:g} s" if start_ms else "")

    @property
    def harm(self):
        return [f"starts={self.start_ms}"] if self.start_ms else []

    @property
    def evidence(self):
        """The deaths that it takes: where a start takes long, the last serving worker isn't risked."""
        return 1 if self.start_ms else 3

    @property
    def groups(self):
        return [self.beside, WAITING, Rate(self.kind, self.path, self.rate)]


def poison_cells(is_short):
    if is_short:
        cells = [Cell("poison", "/trap", 20, 2), Cell("poison", "/trap-async", 10, 1, has_orders=False)]
    else:
        cells = [Cell("poison", path, rate, workers) for path in ("/trap", "/trap-async") for rate in RATES for workers in WORKERS]
        cells += [Cell("poison", path, 5, 2) for path in ("/abort", "/exit", "/overflow")]
        # Another path each time; one path of the route that all others ask for.
        cells += [Cell("poison", "/brittle/#?die=1", rate, 2, name="varied") for rate in (2, 20)]
        cells += [Cell("poison", "/brittle/bad?die=1", rate, 2, name="same route", beside=fast("/brittle/good")) for rate in (2, 20)]
        cells += [Cell("poison", "/trap", rate, 2, start_ms=SLOW_START_MS) for rate in (0.5, 10)]
        cells += [Cell("poison", "/trap", 20, 2, name="backtraced", environment=backtraces()) for _ in range(1) if backtraces()]
    return cells


def poison(run):
    """Requests that crash their worker, 0.5 to 100 a second with 1, 2, 4 and 8 workers, at once and after an `await`, also where a worker takes
    5 s to start; HUP, USR2 and TERM meanwhile. From the third death on every tenth of a second has an answer, 0.1 % of the fast requests may be
    lost and 1 % of those that wait for 500 ms."""
    yield from each(run, poison_cells(run.is_short), poisoned)


def each(run, cells, judge):
    """A cell that fails altogether doesn't keep the others from being judged."""
    for cell in (cell for cell in cells if run.match in cell.name):
        try:
            yield judge(run, cell)
        except TROUBLE as reason:
            verdict = Verdict(cell.name)
            verdict.problems.append(f"{type(reason).__name__}: {reason}")
            yield verdict
        finally:
            stop_all()


def poisoned(run, cell):
    settle = SHORT_SETTLE if run.is_short else run.given or LONG_SETTLE
    evident = BEGIN_SECONDS + cell.evidence / cell.rate + cell.start_ms / 1000
    verdict, counts, orders = storm(run, cell, evident + settle)
    deaths = sorted(loss["at"] for loss in counts.by_name[cell.kind].losses)
    timeline, end = Timeline(counts), counts.started + counts.seconds
    spans = spans_from_third(deaths, orders, end, cell.evidence)
    verdict.expect(spans, f"only {len(deaths)} requests ended their worker")
    for since, until in spans:
        empty = timeline.empty(since, until)
        verdict.expect(not empty, f"{len(empty)} tenths of a second without an answer, at {shown(empty)} s")
    lost_after = []
    for name, limit in LOST_AT_MOST.items():
        lost, count = share_lost(counts.by_name[name], counts.started, spans)
        verdict.expect(lost <= limit * count, f"{lost} of {count} “{name}” requests were lost")
        lost_after.append(f"{lost} {name}")
    if cell.workers > 1 and cell.rate <= FAST_UNTIL_RATE:
        verdict.judge_time(counts, FAST_MS, run)
    verdict.judge_watch(timeline, run)
    refused = counts.by_name[cell.kind].unavailable
    verdict.notes.insert(0, f"{len(deaths)} deaths, {refused} × 503, once suspect {' and '.join(lost_after)} lost")
    return verdict


def loop_cells(is_short):
    if is_short:
        cells = [Cell("loop", "/loop-async", 1, 2, has_orders=False)]
    else:
        cells = [Cell("loop", path, rate, workers) for path in ("/loop", "/loop-async") for rate in (0.2, 2, 8) for workers in (1, 2, 4)]
        cells += [Cell("loop", "/loop", 1, 2, start_ms=SLOW_START_MS)]
    return cells


def loop(run):
    """Requests whose handler never returns, with 1, 2 and 4 workers. No gap over 2.5 s before the third worker was held for two seconds,
    every tenth of a second has an answer afterwards."""
    yield from each(run, loop_cells(run.is_short), looped)


def looped(run, cell):
    settle = SHORT_SETTLE if run.is_short else run.given or LONG_SETTLE
    verdict, counts, orders = storm(run, cell, held_for_good(cell, BEGIN_SECONDS) + settle, patience=60)
    timeline, end = Timeline(counts), counts.started + counts.seconds
    limit = 2.5 + cell.start_ms / 1000
    for begun, until in zip([counts.started, *orders], [*orders, end]):
        # The first one after the order.
        first = BEGIN_SECONDS - (begun - counts.started)
        while first < 0:
            first += 1 / cell.rate
        known = begun + held_for_good(cell, first)
        gap = timeline.worst_gap(begun, min(known, until))
        verdict.expect(gap <= limit, f"a gap of {gap:.1f} s")
        empty = timeline.empty(known, until)
        verdict.expect(not empty, f"{len(empty)} tenths of a second without an answer, at {shown(empty)} s")
    verdict.judge_watch(timeline, run)
    held = counts.by_name[cell.kind]
    verdict.notes.insert(0, f"{held.sent} requests that never end, {held.unavailable} × 503")
    return verdict


def held_for_good(cell, first):
    """After how many seconds enough workers have been held for two seconds while no loop turned; `first` is when the first request comes."""
    waves, count = -(-cell.evidence // cell.workers), max(cell.evidence, cell.workers)
    by_stand_ins = waves * (2.5 + cell.start_ms / 1000) + (min(cell.workers, count) - 1) / cell.rate
    by_requests = (count - 1) / cell.rate + 2.5
    return first + max(by_stand_ins, by_requests)


def storm(run, cell, seconds, patience=20):
    """Harm beside other requests; after `seconds` a reload, after as many again an upgrade, and a stop while harm goes on."""
    verdict, orders = Verdict(cell.name), []
    with Server(cell.workers, harm=cell.harm, patience=60, environment=cell.environment) as server:
        with Traffic(server.port, cell.groups) as traffic:
            time.sleep(seconds)
            for order in (acts.reload, acts.upgrade) if cell.has_orders else ():
                begun = time.monotonic()
                took = timed(order, server, 1, patience + 4 * cell.start_ms / 1000)
                # What is known of suspects ends with a reload at once, and with an upgrade when the new master takes over.
                orders.append(server.moment("upgrade_took_over") if order is acts.upgrade else begun)
                verdict.notes.append(f"{order.__name__} {took:.1f} s")
                time.sleep(seconds)
            counts = traffic.end()
        stats = server.stats()
        with Traffic(server.port, cell.groups):
            time.sleep(BEGIN_SECONDS + min(1 / cell.rate, 1))
            # What is held for ever is waited for until the deadline, unless the order is given again.
            again = 0.6 if run.is_short and cell.kind == "loop" else None
            took = timed(lambda: verdict.problems.extend(server.stop(patience + 40, again)))
            verdict.notes.append(f"stop {took:.1f} s")
    verdict.judge_totals(counts, stats)
    if cell.environment:
        judge_backtraces(verdict, server.log(), counts, len(orders))
    # What a crashed worker prints is no line of the server's, and that no worker serves is an error that has to be said.
    verdict.judge_log(server.log(), ("critical",) if cell.kind == "loop" else ("error", "critical"), force=())
    return verdict, counts, orders


def backtraces():
    """The environment in which Swift's runtime writes one at every crash, which it does by itself only on a terminal; {} where it can't."""
    tool = shutil.which("swift")
    tool = tool and os.path.join(os.path.dirname(os.path.realpath(tool)), "../libexec/swift/linux/swift-backtrace")
    return {"SWIFT_BACKTRACE": f"enable=yes,color=no,swift-backtrace={os.path.normpath(tool)}"} if tool and os.access(tool, os.X_OK) else {}


def judge_backtraces(verdict, log, counts, orders):
    """One endpoint does the harm: one backtrace a minute, and one more after an upgrade."""
    count = sum(line["level"] == "output" and "Program crashed" in line["message"] for line in log)
    limit = 1 + orders + int(counts.seconds / 60)
    verdict.expect(1 <= count <= limit, f"{count} backtraces in {counts.seconds:.0f} s, where 1 to {limit} are right")
    verdict.notes.append(f"{count} backtraces")


def timed(body, *arguments):
    begun = time.monotonic()
    body(*arguments)
    return time.monotonic() - begun


def shown(times):
    return ", ".join(f"{time:g}" for time in times[:8]) + (", …" if len(times) > 8 else "")
