"""The load of a storm: the C client, and what it counted."""

import json
import signal
import subprocess

import build
from processes import Failure, Process

KEEP, SHORT, PAUSE_MS = 32, 16, 1
CONNECTIONS = KEEP + SHORT
# An answer that took longer is listed.
SLOW_MS = 100


class Traffic:
    """Runs from its making to `end`."""

    def __init__(self, port, keep=KEEP, short=SHORT, pause=PAUSE_MS):
        command = [build.program("storm"), str(port), str(keep), str(short), str(pause), str(SLOW_MS)]
        self.process = Process(command, stdout=subprocess.PIPE)

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
        return Counts(json.loads(output))


class Counts:
    def __init__(self, counted):
        self.__dict__.update(counted)
        self.losses = [note for note in self.notes if note["cause"] != "slow"]
        self.slow = [note for note in self.notes if note["cause"] == "slow"]
        # The losses before the connection was there.
        self.unconnected = sum(note["while"] == "connecting" for note in self.losses)

    def worst_ms(self, share):
        """The greater one of both kinds of connections."""
        return max(self.short_us[share], self.keep_us[share]) / 1000
