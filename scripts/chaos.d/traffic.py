"""The load of a storm: the C client, its groups of requests, and what it counted of each."""

import json
import signal
import subprocess

import build
from processes import Failure, Process

# An answer that took longer is listed.
SLOW_MS = 100


class Group:
    """Connections that each ask again when they are answered: `keep` of them stay open, `short` ones are made anew for each request."""

    def __init__(self, name="fast", path="/plaintext", keep=32, short=16, pause_ms=1, slow_ms=SLOW_MS, is_promised=True):
        self.is_promised = is_promised
        self.name, self.path, self.keep, self.short, self.pause_ms, self.slow_ms = name, path, keep, short, pause_ms, slow_ms

    @property
    def word(self):
        return f"{self.name}={self.path},{self.keep},{self.short},{self.pause_ms},{self.slow_ms}"


class Rate:
    """Requests that are sent so often in a second, each on a connection of its own, whatever becomes of them. Nothing is promised to them."""

    def __init__(self, name, path, per_second):
        self.name, self.path, self.per_second = name, path, per_second

    @property
    def word(self):
        return f"{self.name}={self.path}@{self.per_second}"


class Traffic:
    """Runs from its making to `end`. The first group is the one whose gaps count."""

    def __init__(self, port, groups):
        self.promised = [group.name for group in groups if isinstance(group, Group) and group.is_promised]
        self.process = Process([build.program("storm"), str(port), *(group.word for group in groups)], stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()

    def end(self):
        """Lets it finish what is outstanding."""
        self.process.child.send_signal(signal.SIGTERM)
        output, _ = self.process.child.communicate(timeout=20)
        if self.process.child.returncode != 0 or not output:
            raise Failure(f"the client ended with status {self.process.child.returncode}")
        return Counts(json.loads(output), self.promised)


class GroupCounts:
    """What became of one group's requests. Times are monotonic seconds, response times microseconds."""

    def __init__(self, counted, notes):
        self.__dict__.update(counted)
        self.notes = [note for note in notes if note["group"] == self.name]
        self.losses = [note for note in self.notes if note["cause"] != "slow"]
        self.slow = [note for note in self.notes if note["cause"] == "slow"]

    @property
    def responses(self):
        return self.answered + self.unavailable + self.wrong

    @property
    def failed(self):
        return self.refused + self.lost + self.wrong + self.unavailable

    def worst_ms(self, share):
        """The greater one of both kinds of connections."""
        return max(self.short_us[share], self.keep_us[share]) / 1000


class Counts:
    def __init__(self, counted, promised):
        self.__dict__.update(counted)
        self.groups = [GroupCounts(group, counted["notes"]) for group in counted["groups"]]
        self.by_name = {group.name: group for group in self.groups}
        # Those to which something is promised.
        self.promised = [self.by_name[name] for name in promised]
        self.first = self.groups[0]
        self.losses = [loss for group in self.promised for loss in group.losses]

    def sum(self, name, of_all=False):
        return sum(getattr(group, name) for group in (self.groups if of_all else self.promised))
