"""Faults under a whole hookd: a kernel call that fails or hangs, by strace, and what must hold of the callbacks then."""
import os
import signal
import subprocess
import time

from . import client
from .callbacks import Callbacks


def wrapper(directory, hookd, inject, only=None):
    """A program that is hookd under strace with `inject`, as `fdatasync:error=EIO:when=3`. Its process id is hookd's
    own (`-D`), so that it can be stopped like any other. `only` is the one file whose calls are concerned."""
    path = f"{directory}/hookd-under-strace"
    with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
        file.write(f'#!/bin/sh\nexec strace -D -f -qq --seccomp-bpf -o {log(directory)} {" ".join(chosen(inject, only))} '
                   f'"{hookd}" "$@"\n')
    return path


def log(directory):
    """Where strace notes the calls."""
    return f"{directory}/strace.log"


def has_failed(directory):
    """Whether a call was made to fail, or to hang, by what was put in."""
    if not os.path.exists(log(directory)):
        return False
    with open(log(directory), errors="replace") as file:
        return any("(INJECTED)" in line or "(DELAYED)" in line for line in file)


def chosen(inject, only):
    call = inject.split(":")[0]
    return ["-e", f"trace={call}", "-e", f"inject={inject}"] + (["-P", only] if only else [])


class Attached:
    """strace on a hookd that runs already, while the block runs. Its count of calls is kept for each thread by itself."""

    def __init__(self, pid, inject, only=None, log="/dev/null"):
        self.pid = pid
        self.strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", log, "-p", str(pid), *chosen(inject, only)])

    def __enter__(self):
        end = time.monotonic() + 10
        while not self._has_all() and self.strace.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        return self

    def _has_all(self):
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/status") as file:
                if "TracerPid:\t0\n" in file.read():
                    return False
        return True

    def __exit__(self, *_):
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait()


class Ledger:
    """Callbacks and what became of them."""

    def __init__(self, count):
        self.callbacks = Callbacks()
        self.requests = [self.callbacks.request() for _ in range(count)]
        self.acknowledged = set()
        self.others = []

    def send(self, port, numbers=None, timeout=8):
        """Sends those that were not acknowledged, and notes answers that are neither 200 nor 503."""
        for number in range(len(self.requests)) if numbers is None else numbers:
            if number in self.acknowledged:
                continue
            answer = client.ask(port, self.requests[number], timeout=timeout)
            if answer is not None and answer.status == 200:
                self.acknowledged.add(number)
            elif answer is not None and answer.status != 503:
                self.others.append(answer)

    def send_until_all(self, port, seconds):
        """Sends again until all are acknowledged. Returns whether that was so within `seconds`."""
        end = time.monotonic() + seconds
        while len(self.acknowledged) < len(self.requests) and time.monotonic() < end:
            self.send(port)
        return len(self.acknowledged) == len(self.requests)
