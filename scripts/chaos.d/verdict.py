"""What was promised, compared with what both sides counted.

In a storm's line the gap is the longest time in which no client got an answer, and the stall the longest in which the clients' own
process got no CPU: a gap that is no longer than a stall is the machine's. Requests that a storm sends to do harm are counted by the
server, and so in its total; sent, answered and failed are of the others.
"""

# Said by the master when it had to use force: a storm without stuck workers gives it no reason.
FORCE = ("worker_killed_draining", "worker_killed_stuck", "gave_up")
FAILED_CLASSES = ("4xx", "5xx")
# How long after a kill its losses can be noticed, on a machine that others use as well.
NOTICED_WITHIN = 2
UNWATCHED_AT_MOST = 0.02
NAME_WIDTH = 24

HEADING = f"  {'':<{NAME_WIDTH}}{'sent':>9}{'answered':>9}{'failed':>7}{'counted':>9}{'p99.9 ms':>9}{'gap':>7}{'stall':>8}"


class Verdict:
    """The line of a storm, and every promise that it broke."""

    def __init__(self, name):
        self.name = name
        self.problems = []
        self.notes = []
        self.counts = None
        self.total = None
        self.kills = []

    def expect(self, holds, otherwise):
        if not holds:
            self.problems.append(otherwise)

    def judge(self, counts, stats, log, run, loss_bound=0):
        """
        counts      the client's
        stats       the server's /stats after the client's end
        run         says the limit of the response time at p99.9
        loss_bound  how many requests the kills of the storm may have cost at most
        """
        self.judge_totals(counts, stats)
        lost = counts.sum("lost")
        self.expect(lost <= loss_bound, f"{lost} requests were lost, where at most {loss_bound} were in flight at kills")
        alone = [loss for loss in counts.losses if not any(0 <= loss["at"] - time < NOTICED_WITHIN for time, _ in self.kills)]
        self.expect(not alone or not loss_bound, f"{len(alone)} of them with no kill before them")
        if loss_bound:
            self.notes.append(f"{lost} of at most {loss_bound} in flight lost")
        else:
            self.expect(counts.sum("closed_idle") == 0, f"{counts.sum('closed_idle')} connections were closed between two requests")
        self.judge_time(counts, run.limit_ms, run)
        self.judge_log(log)

    def judge_totals(self, counts, stats):
        """To the request: what the clients can't know is what became of those that got no answer."""
        self.counts, self.total = counts, stats["total"]
        requests, accepted = self.total["requests"], self.total["connections"]["accepted"]
        self.expect(counts.first.answered > 0, "nothing was answered")
        self.expect(counts.unnoted == 0, f"{counts.unnoted} losses or slow answers more than the client can list: their times are unknown")
        self.expect(counts.sum("wrong", of_all=True) == 0, f"{counts.sum('wrong', of_all=True)} answers were neither 200 nor 503")
        self.expect(counts.sum("refused", of_all=True) == 0, f"{counts.sum('refused', of_all=True)} connections were refused")
        self.expect(counts.sum("unavailable") == 0, f"{counts.sum('unavailable')} answers were 503")
        got, lost = counts.sum("responses", of_all=True), counts.sum("lost", of_all=True) + counts.sum("outstanding", of_all=True)
        self.expect(got <= requests <= got + lost, f"the server counts {requests} requests, the clients {got} answered and {lost} lost")
        # A connection that was answered was accepted before.
        connected = counts.sum("connected", of_all=True)
        unconnected = sum(note["while"] == "connecting" and note["cause"] != "slow" for note in counts.notes)
        unconnected += counts.sum("outstanding", of_all=True)
        self.expect(connected - lost <= accepted <= connected + unconnected,
                    f"the server accepted {accepted} connections, the clients made {connected}")
        refused = counts.sum("unavailable", of_all=True)
        failed = {name: self.total["responses"][name] for name in FAILED_CLASSES}
        self.expect(failed["4xx"] == 0 and refused <= failed["5xx"] <= refused + lost,
                    f"the server counts failed responses {failed}, the clients {refused}")

    def judge_time(self, counts, limit_ms, run):
        # A machine that others use is no reason to fail a short run.
        limit_ms += counts.worst_stall_us / 1000 if run.is_short else 0
        worst = counts.first.worst_ms("p999")
        self.expect(worst <= limit_ms, f"p99.9 of the response times is {worst:.1f} ms, more than {limit_ms:.0f}")

    def judge_watch(self, timeline, run):
        """Tenths of a second that only the machine is to blame for say nothing; where they are many, the storm says little."""
        count = timeline.unwatched()
        if count:
            self.notes.append(f"{count} tenths unwatched")
        self.expect(run.is_short or count <= UNWATCHED_AT_MOST * len(timeline), f"{count} of {len(timeline)} tenths without an answer are those in "
                    "which the client itself got no CPU: is the machine used by others?")

    def judge_log(self, log, bad=("error", "critical", "output"), force=FORCE):
        for line in log:
            self.expect(line.get("event") not in force and line["level"] not in bad, f"the server says: {line}")

    @property
    def is_good(self):
        return not self.problems

    def lines(self, shows_losses):
        yield self.line()
        for problem in self.problems:
            yield f"    broken: {problem}"
        if shows_losses and self.counts:
            yield from self.table_of_losses()

    def line(self):
        mark, text = "✔" if self.is_good else "✘", " " * 58
        if self.counts and self.total:
            counts = self.counts
            times = (counts.first.worst_ms("p999"), counts.worst_gap_us / 1000, counts.worst_stall_us / 1000)
            text = (f"{counts.sum('sent'):>9}{counts.sum('answered'):>9}{counts.sum('failed'):>7}{self.total['requests']:>9}"
                    + "".join(f"{time:>8.1f}" for time in times))
        return f"{mark} {self.name:<{NAME_WIDTH}}{text}  {', '.join(self.notes)}".rstrip()

    def table_of_losses(self):
        """Each request that got no answer, and the kill before it."""
        for loss in self.counts.losses:
            at = loss["at"] - self.counts.started
            before = [(time, pid) for time, pid in self.kills if time <= loss["at"]]
            kill = f"{(loss['at'] - before[-1][0]) * 1000:.1f} ms after the kill of {before[-1][1]}" if before else "no kill before"
            yield (f"    {at:9.3f} s  {loss['group']:<6} {loss['kind']:<5} {loss['cause']:<10} {loss['while']:<10} {loss['seen']:>3} bytes seen, "
                   f"waited {loss['waited_us'] / 1000:.1f} ms, {kill}")
