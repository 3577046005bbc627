"""What systemd does with the service: starts, reloads, restarts, watches, and tells apart how it ended."""
import pathlib
import signal
import subprocess
import time

import hookd
from machine import await_

EVENT_LOOP = "shard "  # the beginning of its threads' names
DROP_IN = "/etc/systemd/system/hookd.service.d/test.conf"


def started(bar, machine):
    hookd.give_secret(machine)
    machine.do("systemctl", "start", "hookd.socket", "hookd")
    bar.hold("started: the service", machine.ask("systemctl", "is-active", "hookd")[1], exactly="active")
    bar.hold("started: its user", machine.do("stat", "-c", "%U", f"/proc/{machine.main_pid()}"), exactly="hookd")
    # The start returns when hookd has said that it is ready, so nothing is waited for.
    status, answer = hookd.send(machine)
    bar.hold("started: the first callback at once", (status, answer[:24]), exactly=(0, '200 {"status":"stored","'))
    bar.hold("started: hookd health", machine.ask("hookd", "health")[0], exactly=0)
    await_("an event in the file", lambda: machine.path(hookd.EVENTS).exists())
    bar.hold("started: state", machine.do("stat", "-c", "%A %U %G", "/var/lib/hookd"), exactly="drwx------ hookd hookd")


def reloaded(bar, machine):
    before, settings = machine.main_pid(), hookd.configuration(machine)
    endpoint = settings["endpoints"]["/callbacks"]
    endpoint["tolerance"] = "2m"
    hookd.configure(machine, settings)
    bar.hold("reload, of a good configuration", machine.ask("systemctl", "reload", "hookd"), exactly=(0, ""))
    bar.hold("reload: hookd's own word", _last_reload(machine), exactly=True)

    endpoint["tolerance"] = "for ever"
    hookd.configure(machine, settings)
    status, printed = machine.ask("systemctl", "reload", "hookd")
    bar.hold("reload, of a bad configuration", status, exactly=1)
    bar.hold("reload, of a bad one: hookd's own word", _last_reload(machine), exactly=False)
    said = [entry["MESSAGE"] for entry in hookd.journal(machine) if "tolerance" in str(entry["MESSAGE"])]
    bar.hold("reload, of a bad one: the log names the key", bool(said), exactly=True)
    bar.hold("reload, of a bad one: the service", machine.ask("systemctl", "is-active", "hookd")[1], exactly="active")
    bar.hold("reload, of a bad one: a callback", hookd.send(machine)[0], exactly=0)
    bar.hold("reload: the process stays", machine.main_pid(), exactly=before)

    endpoint["tolerance"] = "3m"  # a change of the operator's own, which an upgrade must keep
    hookd.configure(machine, settings)
    machine.do("systemctl", "reload", "hookd")


def _last_reload(machine):
    status = machine.do("hookd", "status", "--json")
    last = hookd.json.loads(status)["configuration"]["last_reload"]
    return last and last["succeeded"]


def restarted(bar, machine, times=20):
    """Again and again under load."""
    with hookd.Load(machine) as load:
        for _ in range(times):
            machine.do("systemctl", "restart", "hookd")
    return load.result


def killed(bar, machine):
    before, restarts = machine.main_pid(), int(machine.shows("hookd", "NRestarts"))
    machine.do("sh", "-c", f"kill -9 {before}")
    await_("another process", lambda: machine.main_pid() not in (0, before))
    await_("active", lambda: machine.ask("systemctl", "is-active", "hookd")[1] == "active")
    bar.hold("kill -9: restarts", int(machine.shows("hookd", "NRestarts")) - restarts, exactly=1)
    bar.hold("kill -9: a callback afterwards", hookd.send(machine)[0], exactly=0)


def misconfigured(bar, machine):
    """Exit code 78 is not tried again: a configuration does not mend itself."""
    settings = hookd.configuration(machine)
    good = machine.path(hookd.CONFIGURATION).read_text()
    settings["sinks"]["archive"]["type"] = "pigeon"
    hookd.configure(machine, settings)
    status, _ = machine.ask("systemctl", "restart", "hookd")
    bar.hold("a bad configuration: systemctl restart", status, exactly=1)
    time.sleep(3)  # longer than RestartSec: a restart would have come
    ended = machine.shows("hookd", "ActiveState"), machine.shows("hookd", "ExecMainStatus")
    bar.hold("a bad configuration: state, exit code", ended, exactly=("failed", "78"))
    bar.hold("a bad configuration: restarts", machine.shows("hookd", "NRestarts"), exactly="0")
    machine.write(hookd.CONFIGURATION, good)
    machine.do("systemctl", "restart", "hookd")
    bar.hold("a good one again: a callback", hookd.send(machine)[0], exactly=0)


def watched(bar, machine):
    """One event loop hangs, and nothing else: strace holds it in its next epoll_wait for a minute."""
    machine.write(DROP_IN, "[Service]\nWatchdogSec=2s\n")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "hookd")
    bar.hold("watchdog of 2 s: in force", machine.shows("hookd", "WatchdogUSec"), exactly="2s")
    time.sleep(5)
    bar.hold("watchdog of 2 s: restarts of a hookd that is well", machine.shows("hookd", "NRestarts"), exactly="0")
    before = machine.main_pid()
    thread = _event_loop(_process(machine, before))
    strace = subprocess.Popen(
        ["strace", "--attach", thread, "--trace=epoll_wait,epoll_pwait,epoll_pwait2",
         "--inject=epoll_wait,epoll_pwait,epoll_pwait2:delay_enter=60s"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        said = await_("the watchdog", lambda: machine.ask(
            "journalctl", "--unit=hookd", "--quiet", "--no-pager", "--output=cat", "--grep=Watchdog timeout")[1])
    finally:
        strace.send_signal(signal.SIGKILL)  # a thread that is traced keeps its process from its end
        strace.wait()
    bar.hold("an event loop hangs: systemd's word", said, exactly="hookd.service: Watchdog timeout (limit 2s)!")
    await_("another process", lambda: machine.main_pid() not in (0, before))
    await_("active", lambda: machine.ask("systemctl", "is-active", "hookd")[1] == "active")
    bar.hold("an event loop hangs: a callback afterwards", hookd.send(machine)[0], exactly=0)
    machine.path(DROP_IN).unlink()
    machine.path(DROP_IN).parent.rmdir()
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "hookd")


def _process(machine, pid):
    """The process as this host numbers it, of the machine's number."""
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        spaces = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
        if len(spaces) > 1 and spaces[-1] == str(pid) and _below(int(status.parent.name), machine.leader):
            return int(status.parent.name)
    raise SystemExit(f"no process of the machine has the number {pid}")


def _below(process, ancestor):
    while process > 1:
        if process == ancestor:
            return True
        stat = pathlib.Path(f"/proc/{process}/stat").read_text()
        process = int(stat.rsplit(")", 1)[1].split()[1])
    return False


def _event_loop(process):
    """The first thread of the process that is named as event loops are."""
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        if (task / "comm").read_text().startswith(EVENT_LOOP):
            return task.name
    raise SystemExit(f"process {process} has no thread {EVENT_LOOP}")


def nothing_lost(bar, machine, what, result):
    """Of the callbacks that were sent meanwhile: every connection was taken, every 200 is in the file, once."""
    bar.figure(f"{what}: callbacks answered 200", len(result["acknowledged"]))
    bar.figure(f"{what}: sent again, as Sinch would", result["repeated"])
    bar.hold(f"{what}: connections that were refused", len(result["refused"]), exactly=0)
    bar.hold(f"{what}: callbacks answered 200, some", bool(result["acknowledged"]), exactly=True)
    if not result["acknowledged"]:
        return
    await_("the last event", lambda: hookd.nonces_written(machine)[result["acknowledged"][-1]] > 0)
    time.sleep(0.5)
    written = hookd.nonces_written(machine)
    bar.hold(f"{what}: acknowledged, and not exactly once in the file",
             len([nonce for nonce in result["acknowledged"] if written[nonce] != 1]), exactly=0)
