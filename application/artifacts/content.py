"""What bytes are, by their beginning: names and materializers may be wrong about it."""

import re
from typing import NamedTuple

HEAD = 4096
"""How many bytes at the beginning of a file are enough to know what it is."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xff\xff\xff\xff", "application/vnd.apache.arrow.stream"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!doctype\s[^>]*>\s*)*<(svg|html)\b", re.I | re.S
)
_DOCTYPE_HTML = re.compile(rb"\s*<!doctype\s+html", re.I)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

FIGURE_BEGIN = b'<script type="application/json" id="stackfold-figure">'
FIGURE_END = b"</script>"
"""What is around the JSON of a plotly figure in the page that it is stored as."""

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The media types that browsers show as pictures, and that can contain no script."""
PICKLE = "application/x-pickle"
BINARY = "application/octet-stream"


class PictureSize(NamedTuple):
    """The size of a picture in pixels."""

    width: int
    height: int


def media_type(head: bytes) -> str:
    """Return what a file is, by its first `HEAD` bytes; `BINARY` if that is unknown."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if _PICKLE.match(head):
        return PICKLE
    if markup := _MARKUP.match(head):
        return "image/svg+xml" if markup[1].lower() == b"svg" else "text/html"
    if _DOCTYPE_HTML.match(head):
        return "text/html"
    return BINARY if _CONTROL.search(head) or not _is_text(head) else "text/plain"


def picture_size(head: bytes) -> PictureSize | None:
    """Return the size of a picture that its header states; None if the header is damaged.

    Args:
        head: The beginning of the file; of a JPEG, all that comes before its pixels.
    """
    kind = media_type(head)
    try:
        if kind == "image/png":
            return PictureSize(_big(head[16:20]), _big(head[20:24]))
        if kind == "image/gif":
            return PictureSize(_little(head[6:8]), _little(head[8:10]))
        if kind == "image/webp":
            return _webp_size(head)
        return _jpeg_size(head) if kind == "image/jpeg" else None
    except ValueError:
        return None


def figure_json(page: bytes) -> bytes | None:
    """Return the JSON of a plotly figure in the page that it is stored as."""
    begin = page.rfind(FIGURE_BEGIN)
    end = page.find(FIGURE_END, begin)
    return None if begin < 0 or end < 0 else page[begin + len(FIGURE_BEGIN) : end]


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) >= HEAD and error.start > len(head) - 4  # the end cuts a character
    return True


def _big(data: bytes) -> int:
    if not data:
        raise ValueError("the header is cut")
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return _big(data[::-1])


def _webp_size(head: bytes) -> PictureSize:
    form, data = head[12:16], head[20:]
    if form == b"VP8X":
        return PictureSize(_little(data[4:7]) + 1, _little(data[7:10]) + 1)
    if form == b"VP8L":
        bits = _little(data[1:5])
        return PictureSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return PictureSize(_little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF)


def _jpeg_size(head: bytes) -> PictureSize | None:
    at = 2
    while at + 9 < len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], _big(head[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return PictureSize(_big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7]))
        at += 2 + max(length, 2)
    return None
