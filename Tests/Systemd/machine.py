"""A Debian 12 in a directory, and that Debian booted: systemd as process 1, a network of its own, nothing else shared.

The tree is made once by debootstrap and kept in .build-tree, with all that the package depends on; each run has a copy.
"""
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / ".build-tree"
INCLUDED = ["systemd", "systemd-sysv", "dbus", "logrotate", "ca-certificates", "curl"]
# No registration: that would ask a systemd of the host, and many a machine that builds has none.
NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]


def output(*command, **more):
    """What a command of the host prints; the program ends with its words where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **more)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout.strip()


def base_tree(package):
    """The tree that runs are copies of, with what `package` depends on."""
    needed = output("dpkg-deb", "--field", package, "Depends")
    recipe = hashlib.sha256(" ".join([*INCLUDED, needed]).encode()).hexdigest()[:16]
    base = KEPT / f"debian-12-{recipe}"
    if base.exists():
        return base
    KEPT.mkdir(exist_ok=True)
    for old in KEPT.glob("debian-12-*"):
        shutil.rmtree(old)
    print(f"debootstrap: {base}", flush=True)
    half = KEPT / "debian-12-half"
    output("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", "bookworm", half, timeout=900)
    output(*NSPAWN, "--directory", half, "--pipe", "env", "DEBIAN_FRONTEND=noninteractive",
           "apt-get", "satisfy", "-y", "-q", "--no-install-recommends", needed, timeout=600)
    (half / "etc/resolv.conf").unlink(missing_ok=True)
    half.rename(base)
    return base


def first_process(nspawn):
    """The machine's process 1 as this host numbers it, once it is there: a child of a child of systemd-nspawn."""
    for child in _children(nspawn):
        for process in [child, *_children(child)]:
            try:
                status = pathlib.Path(f"/proc/{process}/status").read_text()
            except OSError:
                continue
            if any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in status.splitlines()):
                return process
    return None


def _children(process):
    try:
        return [int(each) for each in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def await_(what, holds, seconds=30):
    """The first true value of `holds()`, asked ten times a second."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return value


class Machine:
    """A copy of a tree, booted while the block runs, and gone afterwards."""

    def __init__(self, base):
        self.base = base
        self.tree = KEPT / f"machine-{os.getpid()}"
        self.log = KEPT / "console.log"

    def __enter__(self):
        output("cp", "-a", "--reflink=auto", self.base, self.tree)
        with open(self.log, "wb") as log:
            # The whole of cgroups to the machine: systemd 252 wants the unified hierarchy.
            self.nspawn = subprocess.Popen(
                [*NSPAWN, "--boot", "--private-network", "--console=pipe", "--directory", self.tree],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        try:
            self.leader = await_("a process 1", lambda: first_process(self.nspawn.pid))
            await_("systemctl answers",
                   lambda: self.ask("systemctl", "is-system-running")[1] in ("running", "degraded"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.nspawn.send_signal(signal.SIGTERM)  # an orderly halt
        try:
            self.nspawn.wait(timeout=30)
        except subprocess.TimeoutExpired:
            for process in [first_process(self.nspawn.pid), self.nspawn.pid]:
                if process:
                    os.kill(process, signal.SIGKILL)
            self.nspawn.wait(timeout=10)
        shutil.rmtree(self.tree)

    def ask(self, *command, seconds=60):
        """A command in the machine: its exit code, and what it printed."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
             "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            timeout=seconds)
        return done.returncode, done.stdout.strip()

    def do(self, *command, seconds=60):
        """What a command in the machine prints; the program ends with its words where it fails."""
        status, printed = self.ask(*command, seconds=seconds)
        if status:
            raise SystemExit(f"in the machine, {' '.join(command)} ended with {status}: {printed}")
        return printed

    def shows(self, unit, name):
        """A property of a unit."""
        return self.do("systemctl", "show", "--value", f"--property={name}", unit)

    def main_pid(self, unit="hookd"):
        """The main process of a unit as the machine numbers it; 0 while there is none."""
        return int(self.shows(unit, "MainPID"))

    def path(self, path):
        """Where a file of the machine is on this host."""
        return self.tree / path.lstrip("/")

    def write(self, path, text, mode=0o644):
        """Puts text into a file of the machine; owner and mode stay those of a file that is there."""
        there = self.path(path)
        there.parent.mkdir(parents=True, exist_ok=True)
        new = not there.exists()
        there.write_text(text)
        if new:
            there.chmod(mode)

    def in_network(self, *command, **more):
        """Starts a command of this host that sees the machine's network."""
        return subprocess.Popen(["nsenter", "--target", str(self.leader), "--net", *map(str, command)], **more)
