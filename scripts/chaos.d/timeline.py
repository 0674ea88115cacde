"""A storm's time in tenths of a second: which of them had an answer, and what was lost in which part of it.

The clients' process notes when it got no CPU itself. What it couldn't see then isn't held against the server.
"""

import bisect

TENTH = 0.1
# The losses of a death are noticed within this time.
NOTICED_WITHIN = 0.1
# So much of a tenth must the client itself have had for its verdict to count.
WATCHED_MS = 60


class Timeline:
    def __init__(self, counts):
        self.counts = counts
        self.started = counts.started

    def __len__(self):
        return len(self.counts.first.tenths)

    def answers(self, index):
        """Of all to whom something is promised."""
        return sum(group.tenths[index] for group in self.counts.promised)

    def empty(self, since, until=None):
        """The times, in seconds from the beginning, of the whole tenths in this part that had no answer and that the client watched."""
        first = max(int((since - self.started) / TENTH) + 1, 0)
        last = len(self) if until is None else min(int((until - self.started) / TENTH), len(self))
        return [round(index * TENTH, 1) for index in range(first, last)
                if self.answers(index) == 0 and self.counts.stalls_ms[index] <= 100 - WATCHED_MS]

    def unwatched(self):
        """How many tenths say nothing because the client itself got too little CPU."""
        return sum(self.answers(index) == 0 and self.counts.stalls_ms[index] > 100 - WATCHED_MS for index in range(len(self)))

    def worst_gap(self, since, until=None):
        """The longest run of tenths without an answer, in seconds, less what the client missed."""
        first = max(int((since - self.started) / TENTH), 0)
        last = len(self) if until is None else min(int((until - self.started) / TENTH), len(self))
        worst = run = missed = 0
        for index in range(first, last):
            if self.answers(index):
                run = missed = 0
                continue
            run += 1
            missed += self.counts.stalls_ms[index]
            worst = max(worst, run * TENTH - missed / 1000)
        return worst


def spans_from_third(deaths, orders, end, needed=3):
    """
    From the third death on, until the next order: a reload and an upgrade begin without what was known before.

    deaths  times, ascending
    orders  the times of reloads and upgrades
    """
    spans = []
    for begun, until in zip([0, *orders], [*orders, end]):
        own = deaths[bisect.bisect_left(deaths, begun):bisect.bisect_left(deaths, until)]
        if len(own) >= needed and own[needed - 1] < until:
            spans.append((own[needed - 1], until))
    return spans


def share_lost(group, started, spans):
    """Of what was sent in these spans, as far as it can be known: losses, all requests."""
    lost = sum(any(since + NOTICED_WITHIN < loss["at"] <= until for since, until in spans) for loss in group.losses)
    answered = sum(count for index, count in enumerate(group.tenths)
                   if any(since <= started + index * TENTH <= until for since, until in spans))
    return lost, answered + lost


if __name__ == "__main__":
    # The judge judged: what must be found is found, what must not isn't.
    import types
    first = types.SimpleNamespace(tenths=[5, 0, 0, 5, 0, 5], name="fast")
    counts = types.SimpleNamespace(started=100.0, first=first, promised=[first], stalls_ms=[0, 0, 0, 0, 90, 0])
    timeline = Timeline(counts)
    assert timeline.empty(100.0) == [0.1, 0.2], timeline.empty(100.0)
    assert timeline.empty(100.25) == [], "a tenth that the client missed counts"
    assert abs(timeline.worst_gap(100.0) - 0.2) < 1e-9
    assert spans_from_third([1, 2, 3, 4, 11, 12, 13], [10], 20) == [(3, 10), (13, 20)]
    assert spans_from_third([1, 2], [], 20) == []
    group = types.SimpleNamespace(losses=[{"at": 103.05}, {"at": 103.2}, {"at": 99}], tenths=[1] * 60)
    assert share_lost(group, 100.0, [(103.0, 104.0)])[0] == 1
    print("ok")
