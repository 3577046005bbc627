"""What both manual pages need of mdoc(7): text that no macro is read in; paragraphs and dates."""
import datetime
import re


def escaped(text):
    """`text` as a line of its own: nothing in it is a macro, and - is the one that can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") or text.startswith("\\(aq") else text


def prose(text):
    """A paragraph: each sentence begins a line, as mdoc wants it, so that the space between them is its own."""
    return "\n".join(escaped(line) for line in re.sub(r"([a-z0-9)][.:?!])\s+(?=[A-Z])", r"\1\n", text).splitlines())


def literal(text):
    """`text` as the arguments of a macro, none of them a macro itself."""
    return '"' + escaped(text).replace('"', "\\(dq") + '"'


def date(day):
    """2026-11-23 as mdoc wants it."""
    day = datetime.date.fromisoformat(day)
    return f"{day:%B} {day.day}, {day.year}"
