"""A memory limit by cgroup, of version 1 or 2, for one process that is about to start."""
import os
import time


class MemoryLimit:
    """A cgroup of its own with a memory limit. Use it with `with`; `enter` is called in the child before it becomes the
    program. `reason` says why there is none, where none can be made."""

    def __init__(self, size):
        self.size, self.reason, self.path = size, None, None

    def __enter__(self):
        name = f"hookd-bar-{os.getpid()}"
        try:
            if os.path.isdir("/sys/fs/cgroup/memory"):
                self._make(f"/sys/fs/cgroup/memory/{name}", "memory.limit_in_bytes", "memory.oom_control")
            else:
                self._make(f"/sys/fs/cgroup/{name}", "memory.max", "memory.events")
                self._write("memory.swap.max", 0)
        except OSError as error:
            self.reason = f"no cgroup with a memory limit can be made here: {error}"
        return self

    def _make(self, path, limit, events):
        os.mkdir(path)
        self.path, self.events = path, events
        self._write(limit, self.size)

    def _write(self, file, value):
        with open(f"{self.path}/{file}", "w") as stream:
            stream.write(str(value))

    def enter(self):
        if self.reason is None:
            self._write("cgroup.procs", os.getpid())

    def kills(self):
        """How many processes were killed because of the limit."""
        if self.reason is not None:
            return 0
        with open(f"{self.path}/{self.events}") as stream:
            counts = dict(line.split() for line in stream)
        return int(counts.get("oom_kill", 0))

    def __exit__(self, *_):
        if self.path is None:
            return
        for _ in range(50):  # it is empty a moment after its last process has ended
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.1)
