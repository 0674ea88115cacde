"""What must be built: Everycore itself (unless BENCH_BINARY names one), the C programs, and the Hummingbird peer.

C programs go to .build/bench of the repository, which git ignores; they are made anew when their source is newer.
"""

import functools
import os
import shutil
import subprocess
import sys

from processes import Failure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUTPUT = os.path.join(ROOT, ".build", "bench")
SOURCES = {"limit": "peers/limit.c", "evhttp": "peers/evhttp.c", "idle": "clients/idle.c",
           "counted": "clients/counted.c", "first": "clients/first.c", "pingpong": "peers/pingpong.c",
           "storm": "../chaos.d/storm.c"}
LIBRARIES = {"evhttp": ["-levent_extra", "-levent_core"]}


def run(command, what, **options):
    """Runs a build step; its output goes to the terminal, where long steps show their own progress."""
    print(f"building {what}: {' '.join(command)}", file=sys.stderr, flush=True)
    if subprocess.run(command, stdout=sys.stderr, **options).returncode != 0:
        raise Failure(f"could not build {what}")


@functools.cache
def program(name):
    source, binary = os.path.join(HERE, SOURCES[name]), os.path.join(OUTPUT, name)
    folder = os.path.dirname(source)
    sources = [source] + [os.path.join(folder, file) for file in os.listdir(folder) if file.endswith(".h")]
    if not os.path.exists(binary) or max(map(os.path.getmtime, sources)) > os.path.getmtime(binary):
        os.makedirs(OUTPUT, exist_ok=True)
        compiler = shutil.which("cc") or shutil.which("clang") or "cc"
        run([compiler, "-O2", "-Wall", "-Wextra", "-o", binary, source, *LIBRARIES.get(name, [])], name)
    return binary


@functools.cache
def everycore():
    given = os.environ.get("BENCH_BINARY")
    if given:
        if not os.access(given, os.X_OK):
            raise Failure(f"BENCH_BINARY={given} is not a program")
        return os.path.abspath(given)
    options = ["-c", "release", "--product", "everycore", "--static-swift-stdlib"]
    return swift_product(ROOT, options, "everycore")


@functools.cache
def handlers():
    given = os.environ.get("BENCH_BINARY")
    beside = given and os.path.join(os.path.dirname(os.path.abspath(given)), "everycore-test-server")
    if beside and os.access(beside, os.X_OK):
        return beside
    return swift_product(ROOT, ["-c", "release", "--product", "everycore-test-server", "--static-swift-stdlib"], "everycore-test-server")


@functools.cache
def messages():
    return swift_product(ROOT, ["-c", "release", "--product", "everycore-message-probe"], "everycore-message-probe")


def without_debug_information(binary, folder):
    """A copy in `folder` for valgrind, which (3.19) gives up on the debug information that Swift writes."""
    tool = shutil.which("objcopy") or shutil.which("llvm-objcopy")
    copy = os.path.join(folder, os.path.basename(binary))
    if not tool or subprocess.run([tool, "--strip-debug", binary, copy]).returncode != 0:
        raise Failure(f"could not copy {binary} without its debug information: is binutils installed?")
    return copy


@functools.cache
def hummingbird():
    package = os.path.join(HERE, "hummingbird-peer")
    if not os.path.exists(os.path.join(package, ".build", "release")):
        print("the first build of the Hummingbird peer takes several minutes", file=sys.stderr)
    options = ["-c", "release", "--product", "peer-hummingbird", "--static-swift-stdlib"]
    return swift_product(package, options, "peer-hummingbird")


def swift_product(package, options, name):
    if not shutil.which("swift"):
        raise Failure("there is no `swift` on the PATH")
    if package == ROOT:
        options = ["--traits", os.environ["BUILD_TRAITS"], *options]
    run(["swift", "build", "--package-path", package, *options], name)
    show = ["swift", "build", "--package-path", package, *options, "--show-bin-path"]
    return os.path.join(subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip(), name)
