"""The commands of a page in Markdown: those to be typed, with what it says that they print, and those it speaks of."""
import re
from collections import namedtuple

# `shown` is what stands below the command up to the next one or the end of the block; `typed` is false for a command
# inside a sentence.
Command = namedtuple("Command", "line text shown typed")
SPOKEN = r"(hookd|make|umask|openssl|curl|\w+=\S+ hookd)( |$)"


def commands(text):
    """All commands, in order."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
            in_block = False
        elif fenced or line.startswith("    "):
            if stripped.startswith("$ "):
                found.append(Command(number, re.sub(r"\s+#.*", "", stripped[2:]), [], True))
                in_block = True
            elif in_block and stripped:
                found[-1].shown.append(line[4:] if line.startswith("    ") else line)
        elif stripped:
            in_block = False
            found += [Command(number, code, [], False) for code in re.findall(r"`([^`]+)`", line)
                      if re.match(SPOKEN, code)]
    return found


def pattern(shown):
    """What a printed line must be like: numbers and hashes are others each time, `…` stands for anything."""
    parts = re.split(r"( ?…|[0-9a-f]{32}|\d+)", shown)
    words = {True: "[0-9a-f]{32}", False: r"\d+"}
    return "".join(".*" if part.endswith("…") else words[len(part) == 32] if re.fullmatch(r"[0-9a-f]{32}|\d+", part)
                   else re.escape(part) for part in parts)


def missing_lines(shown, printed):
    """Lines that a page shows and that were not printed."""
    lines = [line.rstrip() for line in printed.splitlines()]
    return [line for line in shown if not any(re.fullmatch(pattern(line.rstrip()), each) for each in lines)]
