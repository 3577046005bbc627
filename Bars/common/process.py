"""A process as /proc shows it, and the limits of our own."""
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time


def cpu_seconds(pid):
    """Time that the process has had, its own and the kernel's on its behalf."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, field="VmRSS"):
    """`VmRSS` is what it has in memory, `VmHWM` the most it ever had."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read()).group(1))


def highest_descriptor(pid):
    return max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


def cpu_share(pid, seconds):
    """The part of a core, in percent, that the process takes for the next `seconds`."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


def calls_a_second(pid, name, seconds):
    """How often the process calls the kernel's `name` in a second, as strace counts it over `seconds`; the calls that
    failed count too."""
    strace = subprocess.Popen(
        ["strace", "-f", "-c", "-e", f"trace={name}", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    strace.send_signal(signal.SIGINT)
    report = strace.communicate()[1]
    for line in report.splitlines():
        columns = line.split()
        if len(columns) >= 5 and columns[-1] == name:
            return int(columns[3]) / seconds
    if "attached" not in report:
        raise SystemExit(f"strace could not look at hookd: {report}")
    return 0.0


def want_descriptors(count):
    """Lets this process and its children open `count` files, or ends the program with what to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
        except (ValueError, PermissionError):
            raise SystemExit(f"needs {count} descriptors, and {hard} are allowed: raise `ulimit -Hn`.") from None


def need(*programs):
    """Ends the program where one of `programs` is missing."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise SystemExit(f"missing: {' '.join(missing)}. `make edge` installs what the bars need.")


class MemoryWatch:
    """Samples the memory of a process while the block runs, and the most that it ever had."""

    def __init__(self, pid, seconds=0.05):
        self.pid, self.seconds = pid, seconds
        self.samples, self.most = [], 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while True:
            try:
                self.samples.append(memory_kib(self.pid))
                self.most = memory_kib(self.pid, "VmHWM")
            except (OSError, AttributeError):
                return  # it is gone
            if self.ended.wait(self.seconds):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    @property
    def peak_mib(self):
        return self.most / 1024
