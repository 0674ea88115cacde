"""The storm of handlers that block for a while: each comes to its end, and the next one is there already."""

import time

from poison import FAST, shown
from server import Server
from timeline import Timeline
from traffic import Group, Traffic
from verdict import Verdict

CLIENTS = 20
BEGIN_SECONDS, SECONDS = 1, 12
LONGEST_GAP, SETTLED_AFTER = 2.5, 6
NAMES = {f"holds {milliseconds / 1000:g} s, 2 w": milliseconds for milliseconds in (700, 1800)}


def holds(run):
    """Handlers that block for 0.7 and for 1.8 s, asked for by 20 clients again and again, with 2 workers. No gap over 2.5 s, and after 6 s every
    tenth of a second has an answer."""
    for name, milliseconds in NAMES.items():
        if run.match in name:
            yield blocked(run, name, milliseconds)


def blocked(run, name, milliseconds):
    verdict = Verdict(name)
    holders = Group("hold", f"/slow?ms={milliseconds}", keep=CLIENTS, short=0, pause_ms=0, slow_ms=0, is_promised=False)
    with Server(2, harm=[]) as server:
        with Traffic(server.port, [FAST]) as fast:
            time.sleep(BEGIN_SECONDS)
            begun = time.monotonic()
            with Traffic(server.port, [holders]) as slow:
                time.sleep(run.given or SECONDS)
                held = slow.end()
            counts = fast.end()
        stats = server.stats()
        verdict.problems += server.stop(patience=60)
    timeline = Timeline(counts)
    gap = timeline.worst_gap(begun)
    verdict.expect(gap <= LONGEST_GAP, f"a gap of {gap:.1f} s")
    empty = timeline.empty(begun + SETTLED_AFTER)
    verdict.expect(not empty, f"{len(empty)} tenths of a second without an answer, at {shown(empty)} s")
    verdict.counts, verdict.total = counts, stats["total"]
    verdict.expect(counts.sum("failed") == 0, f"{counts.sum('failed')} of the others' requests failed")
    verdict.judge_watch(timeline, run)
    verdict.judge_log(server.log(), ("critical",), force=())
    group = held.by_name["hold"]
    verdict.notes.append(f"{group.answered} that block, {group.unavailable} × 503, {group.lost} lost")
    return verdict
