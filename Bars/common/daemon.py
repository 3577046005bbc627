"""A hookd on a temporary directory and free ports, killed by its process id whatever happens."""
import collections
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

from .callbacks import PATH, SECRET

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = f"{TOP}/.build/release/hookd"


class Daemon:
    """A running hookd. Use it with `with`: it is stopped and its files are removed at the end.

    `listen` is the configuration's; `sinks` and `limits` too, and a file sink named `archive` is there if no sinks are
    given; what a sink of type stdout prints goes to the file `stdout`. `before_exec` is called in the child before it becomes hookd. `directory` keeps the files of an earlier one.
    """

    def __init__(self, hookd=None, listen=None, limits=None, sinks=None, before_exec=None, environment=None,
                 directory=None, more=None):
        self.hookd = hookd or RELEASE
        if not os.access(self.hookd, os.X_OK):
            raise SystemExit(f"{self.hookd} is not there: build it with `make build`.")
        self.owns_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="hookd-bar-")
        self.archive = f"{self.directory}/events.jsonl"
        self.before_exec = before_exec
        self.environment = environment
        self.process = None
        self.ports = []
        self.ready_seconds = None
        self.log = collections.deque(maxlen=2000)
        self.stdout = os.devnull
        self.pass_fds = ()
        if sinks is None:
            sinks = {"archive": {"type": "file", "path": self.archive}}
        self.configuration = {
            "listen": listen or ["127.0.0.1:0"],
            "state_directory": f"{self.directory}/state",
            "endpoints": {PATH: {"secrets": [{"file": f"{self.directory}/secret"}], "sinks": list(sinks)}},
            "sinks": sinks, "limits": limits or {}, **(more or {})}

    def add_sink(self, name, sink):
        """Another sink of the endpoint, before the start."""
        self.configuration["sinks"][name] = sink
        self.configuration["endpoints"][PATH]["sinks"].append(name)

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return self.ports[0]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        private = lambda path, flags: os.open(path, flags, 0o600)
        with open(f"{self.directory}/secret", "wb", opener=private) as file:
            file.write(SECRET)
        self.write_configuration()
        began = time.monotonic()
        with open(self.stdout, "ab") as stdout:
            self.process = subprocess.Popen(
                [self.hookd, "serve", "--config", f"{self.directory}/config.json"], stderr=subprocess.PIPE, text=True,
                stdout=stdout, pass_fds=self.pass_fds, preexec_fn=self.before_exec,
                env={**os.environ, **(self.environment or {})})
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"hookd listening on ([^;]*)", line):
                self.ready_seconds = time.monotonic() - began
                self.ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", found.group(1))]
                break
        if not self.ports:
            self.stop()
            raise SystemExit("hookd did not start:\n" + "".join(self.log))
        # The log is read to its end, so that hookd never finds its pipe full.
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True)
        self.reader.start()

    def write_configuration(self):
        with open(f"{self.directory}/config.json", "w") as file:
            json.dump(self.configuration, file)

    def stop(self, patience=30):
        """Ends it in order, or by force after `patience` seconds. Returns its exit code."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def is_running(self):
        return self.process.poll() is None

    def rows(self, query):
        """What a query over the store's file returns."""
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/state/hookd.db?mode=ro", uri=True)) as store:
            return store.execute(query).fetchall()

    def stored_nonces(self):
        return [nonce for nonce, in self.rows("SELECT nonce FROM events ORDER BY sequence")]

    def stored_count(self):
        return self.rows("SELECT count(*) FROM events")[0][0]

    def archived_count(self):
        """How many lines the file sink has written."""
        with open(self.archive, "rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
