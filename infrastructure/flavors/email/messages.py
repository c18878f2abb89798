"""Alerts as e-mails, in plain text and in HTML."""

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from html import escape

from stackfold.application.ports import Alert

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_COLOURS = {"info": "#2e7d32", "warning": "#f9a825", "error": "#c62828"}
_PRIORITIES = {"warning": "normal", "error": "urgent"}


def address(text: str) -> str:
    """Return an address if it is one, without a display name.

    Raises:
        ValueError: It is none.
    """
    try:
        valid = _ADDRESS.fullmatch(text) is not None and bool(Address(addr_spec=text).domain)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"{text!r:.80} is no address such as ops@example.com")
    return text


def email_message(
    alert: Alert, sender: str, to: Sequence[str], prefix: str, thread: str
) -> EmailMessage:
    """Make a message of an alert.

    Args:
        alert: The alert.
        sender: The address of the sender.
        to: The addresses of the recipients.
        prefix: Begins the subject.
        thread: Identifies the alerts that mail programs show together; empty for none.
    """
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = subject(alert, prefix)
    message["Date"] = localtime()
    message["Message-ID"] = f"<{alert.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # so that no absent person replies
    if thread:
        message["References"] = message["In-Reply-To"] = f"<{thread}@{domain}>"
    if alert.level in _PRIORITIES:
        message["Priority"] = _PRIORITIES[alert.level]
    message["X-Stackfold-Level"] = alert.level
    message.set_content(f"{alert.plain}\n")
    message.add_alternative(html(alert), subtype="html")
    return message


def subject(alert: Alert, prefix: str) -> str:
    """The subject of an alert: the title, else the beginning of the text, in one line."""
    text = alert.title or alert.text.partition("\n")[0]
    level = "" if alert.level == "info" else f"{alert.level}: "
    line = " ".join(f"{prefix} {level}{text}".split())
    return line if len(line) <= 200 else f"{line[:199]}…"


def html(alert: Alert) -> str:
    """The alert as HTML, with everything escaped."""
    parts = []
    if alert.title:
        parts.append(f'<h2 style="color:{_COLOURS[alert.level]}">{escape(alert.title)}</h2>')
    if alert.text:
        parts.append(f'<p style="white-space:pre-wrap">{escape(alert.text)}</p>')
    if alert.facts:
        rows = "".join(
            f'<tr><th align="left">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in alert.facts.items()
        )
        parts.append(f"<table>{rows}</table>")
    if alert.link:
        parts.append(f'<p><a href="{escape(alert.link)}">{escape(alert.link)}</a></p>')
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>\n"
