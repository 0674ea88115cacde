"""The storm in which the server has a share of the machine that changes."""

import time

from cgroup import Share
from storms import under_load


def quota(run):
    """The cgroup's CPU quota (or the affinity mask) changes between half a core and two: the workers follow."""
    def act(server, verdict, until):
        changes, slowest = 0, 0
        while changes < (2 if run.is_short else 3) or time.monotonic() < until:
            wanted = share.set(server, share.levels[changes % len(share.levels)])
            begun = time.monotonic()
            server.wait_for_workers(wanted, patience=10)
            slowest = max(slowest, time.monotonic() - begun)
            changes += 1
            # For a moment as it is.
            time.sleep(0.2)
        verdict.notes.append(f"{changes} changes of the {share.name}, followed within {slowest:.1f} s")

    with Share() as share:
        # As much as the clients can, so that the quota bites: then half a core for all is slow.
        return under_load(run.with_limit(2000), "quota", act, run.seconds(0, 30), workers="auto", pause=0,
                          before=share.before)
