"""hookd in the machine: its package, its configuration, callbacks, what it logged and what it wrote."""
import collections
import json
import pathlib
import subprocess
import sys

from machine import output

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Bars"))
from common.callbacks import SECRET  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONFIGURATION = "/etc/hookd/config.json"
SECRET_FILE = "/etc/hookd/sinch-webhook-secret"
EVENTS = "/var/log/hookd/events.jsonl"
PORT = 8080
URL = f"http://127.0.0.1:{PORT}/callbacks"


def install(machine, package, *options):
    """What apt says while it installs a package file; its exit code must be 0."""
    inside = machine.path("/root") / package.name
    inside.write_bytes(package.read_bytes())
    keep = [f"--option=Dpkg::Options::={option}" for option in options]
    printed = machine.do("apt-get", "install", "-y", "-q", "--no-install-recommends", *keep,
                         f"/root/{package.name}", seconds=180)
    inside.unlink()
    return printed


def give_secret(machine):
    machine.write(SECRET_FILE, SECRET.decode() + "\n", mode=0o600)


def configuration(machine):
    return json.loads(machine.path(CONFIGURATION).read_text())


def configure(machine, settings):
    machine.write(CONFIGURATION, json.dumps(settings, indent=2) + "\n")


def send(machine, *options):
    """One callback by `hookd send`: its exit code, and the answer."""
    return machine.ask("hookd", "send", URL, "--secret-file", SECRET_FILE, *options)


def journal(machine, *options):
    """The entries of hookd's unit, as journald has them."""
    lines = machine.do("journalctl", "--unit=hookd", "--output=json", "--no-pager", *options).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def nonces_written(machine):
    """How often the event of each nonce of Tests/Systemd/load is in the files that hookd wrote."""
    counts = collections.Counter()
    for file in machine.path(EVENTS).parent.glob("events.jsonl*"):
        for line in file.read_text().splitlines():
            counts[json.loads(line)["data"].get("message", {}).get("id")] += 1
    return counts


class Load:
    """Callbacks without pause while the block runs; `result` afterwards."""

    def __init__(self, machine):
        self.machine = machine

    def __enter__(self):
        self.process = self.machine.in_network(
            HERE / "load", PORT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind, *_):
        printed, _ = self.process.communicate(timeout=60)
        if kind is None:
            self.result = json.loads(printed)


def next_version(package, directory):
    """The same package as a version 9 with another configuration: what an upgrade brings."""
    unpacked = directory / "next"
    output("dpkg-deb", "--raw-extract", package, unpacked)
    control = unpacked / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("\n".join("Version: 9" if line.startswith("Version:") else line for line in lines) + "\n")
    shipped = unpacked / CONFIGURATION.lstrip("/")
    settings = json.loads(shipped.read_text())
    settings["endpoints"]["/callbacks"]["tolerance"] = "4m"
    shipped.write_text(json.dumps(settings) + "\n")
    built = directory / "hookd_9.deb"
    output("dpkg-deb", "--root-owner-group", "--build", unpacked, built)
    return built
