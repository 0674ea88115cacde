"""What programs inherit that handlers start (execve(2)): nothing that the server changed for itself."""

import re
import resource
import signal
from urllib.parse import quote

from support import ask, case, children

LOOK = ("grep SigIgn /proc/self/status; (yes 2>&1 >&3 | cat) 3>&1 | head -1; yes 2>/dev/null | head -1 >/dev/null; "
        "yes 2>&1 | head -1 >/dev/null; sh -c 'yes | head -1' 2>&1")


def ignored(status):
    """The signals that a process with this /proc/PID/status ignores; the real-time ones aside."""
    mask = int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16)
    return [signal.Signals(number).name for number in range(1, 32) if mask >> (number - 1) & 1]


@case()
def a_worker_ignores_no_signal_that_it_was_not_given_ignored(box):
    def as_usual():
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)

    process, _ = box.serve(preexec_fn=as_usual)
    for pid in children(process.pid):
        with open(f"/proc/{pid}/status") as file:
            names = ignored(file.read())
        box.expect(not names, f"ignored in a worker: {' '.join(names)}")


@case(tools=["yes", "head"])
def programs_of_handlers_hear_every_signal(box):
    """`yes | head` ends without a word, daemons hear HUP."""
    _, port = box.serve_own()
    for way in ("process", "popen"):
        shown = ask(port, f"/{way}?command=" + quote(LOOK))[2].decode(errors="replace")
        names = ignored(shown)
        box.expect(not names, f"/{way}: {' '.join(names)} ignored")
        box.expect("roken pipe" not in shown, f"/{way}: yes says Broken pipe")


@case(tools=["sh"])
def programs_of_handlers_have_no_descriptor_of_the_server(box):
    """By popen(3): Foundation's Process opens sockets of its own, which go on to what it starts."""
    _, port = box.serve_own()
    command = "for f in /proc/self/fd/*; do [ -e $f ] && echo ${f##*/}; done; true"
    extra = [word for word in ask(port, "/popen?command=" + quote(command))[2].decode().split() if int(word) > 2]
    box.expect(not extra, f"descriptors {' '.join(extra)}")


@case(tools=["sh"])
def programs_of_handlers_have_an_empty_signal_mask(box):
    _, port = box.serve_own()
    for way in ("process", "popen"):
        shown = ask(port, f"/{way}?command=" + quote("grep SigBlk /proc/self/status"))[2].decode()
        mask = int(re.search(r"SigBlk:\s*(\w+)", shown)[1], 16)
        box.expect(mask == 0, f"/{way}: {mask:#x} is blocked")


@case()
def programs_of_handlers_have_the_limits_that_the_server_was_given(box):
    """Programs that close "all" descriptors take long with a limit of millions."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    process, _ = box.serve(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard)))
    # Enough for the connections of one worker is one thing, all that there is another.
    soft = max(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] for pid in children(process.pid))
    box.expect(not soft == hard > 4096, f"started with 1024 of {hard}, workers have {soft}")
