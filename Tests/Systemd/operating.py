"""What docs/operating.md has an operator do: the journal, encrypted and new secrets, a backup that is restored."""
import json
import shutil

import hookd
from machine import await_

BACKUP = "/var/lib/hookd/backup.db"
DROP_IN = "/etc/systemd/system/hookd.service.d/override.conf"
ENCRYPTED = hookd.SECRET_FILE + ".cred"
SECOND = hookd.SECRET_FILE + "-2"


def logged(bar, machine):
    """Messages with fields, and events of a stdout sink."""
    started = [entry for entry in hookd.journal(machine) if entry.get("HOOKD_KIND") == "started"]
    bar.hold("journal: the start has an id", len(started[-1]["MESSAGE_ID"]) if started else 0, exactly=32)
    catalogued = machine.do("journalctl", "--unit=hookd", "--catalog", "--no-pager", "HOOKD_KIND=started")
    bar.hold("journal: the id has a text in the catalogue", "Subject: hookd takes callbacks" in catalogued,
             exactly=True)

    hookd.send(machine, "--fault", "forged")
    await_("a forged callback in the journal", lambda: _entries(machine, HOOKD_OUTCOME="forged"))
    bar.hold("journal: a forged callback", _entries(machine, HOOKD_OUTCOME="forged")[-1]["HOOKD_ENDPOINT"],
             exactly="/callbacks")

    before = machine.path(hookd.CONFIGURATION).read_text()
    settings = hookd.configuration(machine)
    settings["sinks"]["journal"] = {"type": "stdout"}
    settings["endpoints"]["/callbacks"]["sinks"].append("journal")
    hookd.configure(machine, settings)
    machine.do("systemctl", "restart", "hookd")
    _, answer = hookd.send(machine)
    sequence = json.loads(answer[4:])["sequence"]
    events = await_("an event in the journal", lambda: [
        entry for entry in hookd.journal(machine) if f'"sequence":"{sequence}"' in str(entry["MESSAGE"])])
    bar.hold("journal: an event of a stdout sink", json.loads(events[0]["MESSAGE"])["type"],
             exactly="com.sinch.conversation.message_inbound")
    machine.write(hookd.CONFIGURATION, before)
    machine.do("systemctl", "restart", "hookd")


def _entries(machine, **fields):
    return [entry for entry in hookd.journal(machine) if all(entry.get(name) == text for name, text in fields.items())]


def encrypted(bar, machine):
    """The secret as an encrypted credential, and as plain text nowhere but in the hand of who sends."""
    machine.do("systemd-creds", "encrypt", "--name=sinch-webhook-secret", hookd.SECRET_FILE, ENCRYPTED)
    machine.do("mv", hookd.SECRET_FILE, "/root/secret")
    machine.write(DROP_IN, "[Service]\nLoadCredential=\n"
                  f"LoadCredentialEncrypted=sinch-webhook-secret:{ENCRYPTED}\n")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "hookd")
    status, _ = machine.ask("hookd", "send", hookd.URL, "--secret-file", "/root/secret")
    bar.hold("encrypted secret: a callback", status, exactly=0)
    machine.do("mv", "/root/secret", hookd.SECRET_FILE)
    machine.path(ENCRYPTED).unlink()
    machine.path(DROP_IN).unlink()
    machine.path(DROP_IN).parent.rmdir()
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "hookd")


def secret_rotated(bar, machine):
    """A second secret beside the first one, without a restart."""
    before, process = machine.path(hookd.CONFIGURATION).read_text(), machine.main_pid()
    machine.write(SECOND, "another-secret-0123456789", mode=0o640)
    machine.do("chgrp", "hookd", SECOND)
    settings = hookd.configuration(machine)
    settings["endpoints"]["/callbacks"]["secrets"] = [
        {"credential": "sinch-webhook-secret", "until": "2099-12-01T00:00:00Z"}, {"file": SECOND}]
    hookd.configure(machine, settings)
    machine.do("systemctl", "reload", "hookd")
    for which, file in [("old", hookd.SECRET_FILE), ("new", SECOND)]:
        status, _ = machine.ask("hookd", "send", hookd.URL, "--secret-file", file)
        bar.hold(f"two secrets: a callback signed with the {which} one", status, exactly=0)
    bar.hold("two secrets: the process stays", machine.main_pid(), exactly=process)
    machine.write(hookd.CONFIGURATION, before)
    machine.do("systemctl", "reload", "hookd")
    bar.hold("one secret again: the other one", machine.ask("hookd", "send", hookd.URL, "--secret-file", SECOND)[0],
             exactly=1)
    machine.path(SECOND).unlink()


def restored(bar, machine):
    """A backup that is made while callbacks come, brought back into the place of the store."""
    with hookd.Load(machine) as load:
        await_("events", lambda: hookd.nonces_written(machine).total() > 0)
        machine.do("hookd", "backup", BACKUP)
    bar.hold("backup: owner and mode", machine.do("stat", "-c", "%A %U", BACKUP), exactly="-rw------- hookd")
    _, answer = hookd.send(machine)
    lost = int(json.loads(answer[4:])["sequence"])
    machine.do("systemctl", "stop", "hookd.socket", "hookd")
    machine.do("install", "-o", "hookd", "-g", "hookd", "-m", "0600", BACKUP, "/var/lib/hookd/hookd.db")
    machine.do("rm", "-f", "/var/lib/hookd/hookd.db-wal", "/var/lib/hookd/hookd.db-shm", BACKUP)
    machine.do("systemctl", "start", "hookd.socket", "hookd")
    bar.figure("backup: callbacks answered 200 beside it", len(load.result["acknowledged"]))
    bar.hold("restored: hookd says that events are gone", bool(_entries(machine, HOOKD_KIND="events_lost")),
             exactly=True)
    _, answer = hookd.send(machine)
    bar.hold("restored: the next number is one that was never given",
             int(json.loads(answer[4:])["sequence"]) > lost, exactly=True)
    # What was written after the backup is in the file alone: the checks of lost events begin anew.
    for file in machine.path(hookd.EVENTS).parent.iterdir():
        file.unlink() if file.is_file() else shutil.rmtree(file)
    machine.do("systemctl", "restart", "hookd")
