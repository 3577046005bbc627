"""A unit of systemd as text: what it lets a service do, to try that without systemd."""
import errno
import socket
import subprocess

# NoNewPrivileges= and a filter are set before the program is executed, so that systemd lets these pass in any case.
ALWAYS = {"execve", "exit", "exit_group", "rt_sigreturn", "sigreturn"}


def settings(path):
    """The values of each key of [Service], in their order."""
    values, section = {}, ""
    with open(path) as file:
        for line in map(str.strip, file):
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and line[0] not in "#;":
                key, _, value = line.partition("=")
                values.setdefault(key, []).append(value)
    return values


def calls_of(group):
    """The names of the system calls in a group such as @system-service, those of its groups too."""
    if not group.startswith("@"):
        return {group}
    said = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", group], capture_output=True, text=True,
                          check=True).stdout
    words = [line.strip() for line in said.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(calls_of(word) for word in words))


def allowed_calls(unit):
    """What its SystemCallFilter= leaves; None where there is none."""
    allowed = None
    for value in unit.get("SystemCallFilter", []):
        groups = set().union(*map(calls_of, value.removeprefix("~").split()))
        if allowed is None:
            if value.startswith("~"):
                raise SystemExit("SystemCallFilter= begins with what is forbidden, and allows all else.")
            allowed = groups
        else:
            allowed = allowed - groups if value.startswith("~") else allowed | groups
    return None if allowed is None else allowed | ALWAYS


def error_number(unit):
    """What a forbidden call ends with; 0 where the process is killed."""
    name = unit.get("SystemCallErrorNumber", [""])[-1]
    return getattr(errno, name) if name else 0


def families(unit):
    return [int(getattr(socket, name)) for name in unit.get("RestrictAddressFamilies", [""])[-1].split()]
