"""Elements of SVG as text, with everything escaped that comes from users."""

import re
from html import escape
from typing import TypeAlias
from unicodedata import category, combining, east_asian_width
from urllib.parse import urlsplit

Attribute: TypeAlias = str | float | None

# What XML forbids or a browser interprets: control, format and surrogate characters.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_NOT_ASCII_TEXT = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    """Replace characters that are not shown, such as bidirectional overrides, by their codes."""
    if text.isprintable():
        return text
    return _NOT_ASCII_TEXT.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\n\t" or (
        category(character) not in _UNSEEN and ord(character) & 0xFFFE < 0xFFFE
    ):
        return character
    return f"\\u{ord(character):04x}"


def element(tag: str, /, *content: str, **attributes: Attribute) -> str:
    """Return an element.

    Args:
        tag: Its name.
        *content: Its content as SVG; escape text with `text`.
        **attributes: Its attributes, which are escaped; None is omitted, a leading or trailing
            "_" removed, and another "_" written as "-": `class_="node"`, `stroke_width=2`.
    """
    written = "".join(
        f' {name.strip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(content)}</{tag}>" if content else f"<{tag}{written}/>"


def _value(value: str | float) -> str:
    return escape(visible(value)) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Return a number with at most one decimal."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def text(value: str) -> str:
    """Return text as the content of an element."""
    return escape(visible(value))


def title(value: str) -> str:
    """Return the title of an element, which browsers show as a tooltip and screen readers read."""
    return f"<title>{text(value)}</title>" if value else ""


def linked(link: str | None, *content: str, **attributes: Attribute) -> str:
    """Return content inside of a link, or in a group if there is no link that is safe.

    Args:
        link: A relative or http address; any other, such as "javascript:" or "", is not linked.
        *content: SVG.
        **attributes: Attributes of the link or group.
    """
    safe = link is not None and link != "" and is_safe(link)
    return element("a" if safe else "g", *content, href=link if safe else None, **attributes)


def is_safe(link: str) -> bool:
    """Return whether a link is a relative or an http address."""
    if link.startswith(("/", "?", "#")) and link.isascii() and link.isprintable():
        return True
    if any(category(character) in _UNSEEN for character in link):
        return False  # browsers ignore these inside of a scheme
    try:
        return urlsplit(link.strip()).scheme in ("", "http", "https")
    except ValueError:
        return False


def shortened(value: str, columns: int) -> str:
    """Return text that fits into a number of columns; wide characters take two.

    Args:
        value: The text; line ends become spaces.
        columns: The number of columns, at least 1.
    """
    line = value if value.isprintable() else " ".join(visible(value).split())
    if width(line) <= columns:
        return line
    used = 0
    for index, character in enumerate(line):
        used += width(character)
        if used >= columns:
            return line[:index].rstrip() + "…"
    return line


def width(value: str) -> int:
    """Return the number of columns that text takes in a font of fixed width."""
    if not value or max(value) < "\u0300":
        return len(value)
    return sum(0 if combining(each) else 1 + (east_asian_width(each) in "WF") for each in value)


def picture(
    content: str, *, width: float, height: float, label: str, kind: str, interactive: bool
) -> str:
    """Return an SVG picture that can be part of a page.

    Args:
        content: SVG.
        width: In pixels.
        height: In pixels.
        label: What it shows, for screen readers.
        kind: Its CSS class.
        interactive: Whether it contains links, which screen readers omit in a single image.
    """
    return element(
        "svg",
        content or " ",
        xmlns="http://www.w3.org/2000/svg",
        class_=f"drawing {kind}",
        role="group" if interactive else "img",
        aria_label=label,
        width=width,
        height=height,
        viewBox=f"0 0 {number(width)} {number(height)}",
        font_family="system-ui, sans-serif",
        font_size=13,
    )
