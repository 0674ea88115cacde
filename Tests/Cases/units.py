"""The unit for systemd: what an operator would otherwise find out at the first accident."""

import os
import re
import subprocess

from support import case

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "everycore.service")


def unit():
    with open(UNIT) as file:
        return file.read()


@case()
def a_worker_that_runs_out_of_memory_does_not_stop_the_unit(box):
    """By default systemd stops all of it (systemd.service(5), OOMPolicy=)."""
    box.expect(re.search(r"^OOMPolicy=continue", unit(), re.MULTILINE), "the unit leaves OOMPolicy= at the manager's default, which is to stop")


@case()
def a_start_outlasts_an_address_that_comes_late(box):
    """At boot an address may not be there yet; systemd tries five times in a second and then gives up for good, unless the unit says else."""
    done = subprocess.run([box.everycore, "serve", "--listen", "192.0.2.10:8080", "--admin", "off"], capture_output=True, text=True)
    is_patient = re.search(r"^RestartSec=(?!\d*ms)", unit(), re.MULTILINE) and re.search(r"^StartLimitIntervalSec=0", unit(), re.MULTILINE)
    settings = subprocess.run([box.everycore, "check"], capture_output=True, text=True).stdout
    box.expect(is_patient or re.search(r"free_?bind|nonlocal", settings),
               f"exit {done.returncode} ({(done.stderr or done.stdout).strip()}), and a unit that gives up after five tries in a second")
