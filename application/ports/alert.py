"""What an alerter sends and receives: alerts, and answers to questions."""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args
from uuid import uuid4

from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import Invalid

Level = Literal["info", "warning", "error"]
"""How urgent an alert is."""
LEVELS: tuple[Level, ...] = get_args(Level)

_TITLE = 200
_TEXT = 8000
_FACTS = 20
_NAME = 60
_VALUE = 500
_LINK = 2000
_ANSWER = 2000
"""Characters."""


class Alert(NamedTuple):
    """A message to people: bounded in size, valid Unicode, without values of secrets."""

    id: str
    """Unique; the same when an attempt to send is repeated."""
    text: str
    """At most 8000 characters; may have several lines, and is not empty unless the title is not."""
    title: str = ""
    """One line of at most 200 characters; may be empty."""
    level: Level = "info"
    facts: Mapping[str, str] = MappingProxyType({})
    """Name → text, in one line each, to be shown below the text; at most 20."""
    link: str = ""
    """An http or https URL, or empty."""
    thread: str = ""
    """What it is about, such as the name of a run; tools show alerts of one thread together."""

    @property
    def plain(self) -> str:
        """The alert as plain text: title, text, facts and link."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.facts.items())
        return "\n\n".join(each for each in (self.title, self.text, facts, self.link) if each)


class Answer(NamedTuple):
    """The answer of a person to a question."""

    approved: bool
    by: str
    """Who answered, as the tool names them."""
    text: str = ""
    """What they wrote; may be empty."""


def alert_of(
    text: object,
    *,
    title: object = "",
    level: str = "info",
    facts: Mapping[str, Any] = MappingProxyType({}),
    link: str = "",
    thread: str = "",
) -> Alert:
    """Make an alert: values of secrets are replaced, and what is too long is shortened.

    Args:
        text: The message.
        title: Its title.
        level: "info", "warning" or "error".
        facts: Name → value.
        link: An http or https URL.
        thread: What the alert is about.

    Raises:
        Invalid: The level or the link is invalid, or the message is empty.
    """
    if level not in LEVELS:
        raise Invalid(f"the level of an alert is one of {', '.join(LEVELS)}, not {level!r:.40}")
    link = _line(link, _LINK + 1)
    if link and (not link.startswith(("http://", "https://")) or len(link) > _LINK or " " in link):
        raise Invalid("the link of an alert is an http or https URL of at most 2000 characters")
    alert = Alert(
        str(uuid4()),
        _text(text, _TEXT),
        _line(title, _TITLE),
        level,
        {_line(name, _NAME): _line(value, _VALUE) for name, value in [*facts.items()][:_FACTS]},
        link,
        _line(thread, _TITLE),
    )
    if not alert.text and not alert.title:
        raise Invalid("the text of an alert is empty")
    return alert


def answer_of(approved: bool, by: object, text: object = "") -> Answer:
    """Make an answer of what a tool sent: bounded in size, without values of secrets.

    Args:
        approved: Whether the answer is yes.
        by: Who answered.
        text: What they wrote.
    """
    return Answer(approved, _line(by, _TITLE), _text(text, _ANSWER))


def _line(value: object, most: int) -> str:
    return _text(" ".join(str(value).split()), most).replace("\n", " ")


def _text(value: object, most: int) -> str:
    # Redacted before it is shortened: a part of a secret would not be recognized.
    text = redacted(str(value)).encode(errors="replace").decode()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join(each for each in text[: 2 * most] if _is_shown(each)).strip()
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _is_shown(character: str) -> bool:
    """Whether a character is no control character and does not change the direction of others."""
    if character in "\n\t":
        return True
    return unicodedata.category(character) != "Cc" and character not in _DIRECTIONS


_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
