"""What the package does to a machine: installed without a secret, upgraded over a changed file, removed, purged."""
import hookd
from machine import await_

# What any package that comes and goes leaves behind: the package manager's own notes, logs and caches.
OTHERS = ("var/cache/", "var/lib/apt/", "var/lib/dpkg/", "var/log/apt/", "var/log/dpkg.log",
          "var/log/alternatives.log", "var/log/journal/", "var/lib/logrotate/", "var/backups/", "var/lib/systemd/",
          "var/tmp/", "tmp/", "run/", "proc/", "sys/", "dev/",
          # shadow's copies of what was there before a user came or went
          "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-")


def files(machine):
    """Every path of the machine's tree."""
    found = machine.do("find", "/", "-xdev", "-not", "-path", "/proc/*", seconds=120).splitlines()
    return {path.lstrip("/") for path in found}


def installed_without_secret(bar, machine, package):
    printed = hookd.install(machine, package)
    bar.hold("installed: a word on the secret", "sinch-webhook-secret" in printed, exactly=True)
    bar.hold("installed: warnings and errors of the package manager", _complaints(printed), exactly=[])
    bar.hold("installed without a secret: the service", machine.ask("systemctl", "is-active", "hookd")[1],
             exactly="inactive")
    bar.hold("installed without a secret: the socket", machine.ask("systemctl", "is-active", "hookd.socket")[1],
             exactly="inactive")
    bar.hold("installed without a secret: failed units", machine.do("systemctl", "--failed", "--plain", "--no-legend"),
             exactly="")
    bar.hold("installed: it starts at boot", machine.ask("systemctl", "is-enabled", "hookd", "hookd.socket")[1].split(),
             exactly=["enabled"] * 2)
    bar.hold("installed: configuration", machine.do("stat", "-c", "%A %U %G", hookd.CONFIGURATION),
             exactly="-rw-r----- root hookd")
    machine.do("systemctl", "start", "hookd.socket", "hookd")
    bar.hold("started without a secret: failed units", machine.do("systemctl", "--failed", "--plain", "--no-legend"),
             exactly="")


def files_are_in_order(bar, machine):
    """What else is in the package, as those see it who use it."""
    faults = machine.ask("systemd-analyze", "verify", "hookd.service", "hookd.socket")[1]
    bar.hold("systemd-analyze verify", faults, exactly="")
    exposure = machine.do("systemd-analyze", "security", "--no-pager", "hookd").splitlines()[-1].split()
    bar.hold("systemd-analyze security", float(next(word for word in exposure if word[0].isdigit())), most=1.2)
    bar.hold("logrotate finds no fault", machine.ask("logrotate", "--debug", "/etc/logrotate.d/hookd")[0], exactly=0)
    bar.hold("bash takes the completions", machine.ask(
        "bash", "-c", "shopt -s extglob; . /usr/share/bash-completion/completions/hookd && complete -p hookd")[0],
        exactly=0)


def rotated(bar, machine):
    """logrotate takes the file away under the daemon, and events go on in a new one."""
    before = hookd.nonces_written(machine).total()
    machine.do("logrotate", "--force", "/etc/logrotate.d/hookd")
    status, _ = hookd.send(machine)
    bar.hold("after logrotate: a callback", status, exactly=0)
    await_("its event", lambda: hookd.nonces_written(machine).total() > before)
    bar.hold("after logrotate: a new file", machine.ask("test", "-s", hookd.EVENTS)[0], exactly=0)
    bar.hold("after logrotate: its owner and mode", machine.do("stat", "-c", "%A %U %G", hookd.EVENTS),
             exactly="-rw-r----- hookd hookd")


def upgraded(bar, machine, following):
    """To the next version, under load, over a configuration that was changed here and there."""
    mine = machine.path(hookd.CONFIGURATION).read_text()
    before = machine.main_pid()
    with hookd.Load(machine) as load:
        printed = hookd.install(machine, following, "--force-confdef", "--force-confold")
    bar.hold("upgrade: warnings and errors of the package manager", _complaints(printed), exactly=[])
    bar.hold("upgrade: the version", machine.do("dpkg-query", "-W", "-f", "${Version}", "hookd"), exactly="9")
    bar.hold("upgrade: my configuration is as it was", machine.path(hookd.CONFIGURATION).read_text() == mine,
             exactly=True)
    bar.hold("upgrade: its owner and mode", machine.do("stat", "-c", "%A %U %G", hookd.CONFIGURATION),
             exactly="-rw-r----- root hookd")
    bar.hold("upgrade: the new one lies beside it",
             machine.path(hookd.CONFIGURATION + ".dpkg-dist").exists(), exactly=True)
    bar.hold("upgrade: the service is another process", machine.main_pid() not in (0, before), exactly=True)
    return load.result


def removed(bar, machine):
    machine.do("apt-get", "remove", "-y", "-q", "hookd", seconds=120)
    bar.hold("removed: the program", machine.path("/usr/bin/hookd").exists(), exactly=False)
    processes = machine.do("find", "/proc", "-maxdepth", "2", "-path", "*/exe", "-lname", "*hookd*")
    bar.hold("removed: a process of it is left", processes, exactly="")
    bar.hold("removed: a unit of it is left", machine.do("find", "/lib/systemd/system", "-name", "hookd*"), exactly="")
    kept = [path for path in ("/var/lib/hookd/hookd.db", hookd.EVENTS, hookd.CONFIGURATION, hookd.SECRET_FILE)
            if machine.path(path).exists()]
    bar.hold("removed: store, events, configuration and secret are kept", len(kept), exactly=4)


def purged(bar, machine, before):
    user = machine.do("id", "-u", "hookd")
    printed = machine.do("apt-get", "purge", "-y", "-q", "hookd", seconds=120)
    bar.hold("purged: warnings and errors of the package manager", _complaints(printed), exactly=[])
    left = sorted(path for path in files(machine) - before if not path.startswith(OTHERS))
    bar.hold("purged: paths that were not there before", left, exactly=[])
    named = machine.do("find", "/", "-xdev", "-name", "*hookd*", "-not", "-path", "/proc/*", "-not", "-path", "/sys/*")
    bar.hold("purged: paths that speak of hookd", named.splitlines(), exactly=[])
    owned = machine.do("find", "/", "-xdev", "-uid", user, "-not", "-path", "/proc/*")
    bar.hold("purged: files of its user", owned.splitlines(), exactly=[])
    bar.hold("purged: its user", machine.ask("getent", "passwd", "hookd")[0], exactly=2)
    bar.hold("purged: its group", machine.ask("getent", "group", "hookd")[0], exactly=2)


def installed_with_secret(bar, machine, package):
    """Where another hand has put the secret there before: it runs at once."""
    hookd.give_secret(machine)
    printed = hookd.install(machine, package)
    bar.hold("installed with a secret: a word on the secret", "sinch-webhook-secret" in printed, exactly=False)
    bar.hold("installed with a secret: the service", machine.ask("systemctl", "is-active", "hookd")[1],
             exactly="active")
    bar.hold("installed with a secret: a callback", hookd.send(machine)[0], exactly=0)


def _complaints(printed):
    """Lines in which dpkg, apt, systemd or a script of ours warns."""
    words = ("warning", "error", "failed", "cannot", "invalid")
    return [line for line in printed.splitlines() if any(word in line.lower() for word in words)]
