"""Alerts in the forms that chats and their incoming webhooks take."""

from typing import Any

from stackfold.application.ports import Alert

_COLOURS = {"info": 0x2E7D32, "warning": 0xF9A825, "error": 0xC62828}
_SIGNS = {"info": ":speech_balloon:", "warning": ":warning:", "error": ":red_circle:"}
_TEAMS = {"info": "Default", "warning": "Warning", "error": "Attention"}


def stackfold_message(alert: Alert) -> dict[str, Any]:
    """Every field of an alert."""
    return {**alert._asdict(), "facts": dict(alert.facts)}


def slack_message(alert: Alert) -> dict[str, Any]:
    """The text and blocks of `chat.postMessage`, which incoming webhooks of Slack take, too.

    The text may contain Slack's marks for bold and so on, but no mentions and links.
    """
    title = f"{_SIGNS[alert.level]} {alert.title}" if alert.title else ""
    blocks: list[dict[str, Any]] = []
    if title:
        blocks.append({"type": "header", "text": {"type": "plain_text", "text": title[:150]}})
    text = alert.text if title else f"{_SIGNS[alert.level]} {alert.text}"
    blocks += [_section(part) for part in _parts(text)]
    facts = [*alert.facts.items()]
    for start in range(0, len(facts), 10):
        fields = [
            {"type": "mrkdwn", "text": f"*{_escaped(name)}*\n{_escaped(value)}"}
            for name, value in facts[start : start + 10]
        ]
        blocks.append({"type": "section", "fields": fields})
    if alert.link:
        blocks.append(_section(f"<{_link(alert.link)}>", escaped=True))
    shown = ": ".join(each for each in (title, alert.text) if each)
    return {
        "text": _escaped(shown[:2000]),  # of notifications
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def teams_message(alert: Alert) -> dict[str, Any]:
    """An adaptive card, as workflows of Microsoft Teams take it."""
    colour = _TEAMS[alert.level]
    body: list[dict[str, Any]] = []
    if alert.title:
        body.append({"type": "TextBlock", "text": alert.title, "weight": "Bolder", "color": colour})
    if alert.text:
        body.append({"type": "TextBlock", "text": alert.text, "wrap": True, "color": colour})
    if alert.facts:
        facts = [{"title": name, "value": value} for name, value in alert.facts.items()]
        body.append({"type": "FactSet", "facts": facts})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if alert.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": alert.link}]
    content = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content, "content": card}]}


def discord_message(alert: Alert) -> dict[str, Any]:
    """An embed, as webhooks of Discord take it: at most 6000 characters, and no mentions."""
    embed: dict[str, Any] = {"description": alert.text[:3500], "color": _COLOURS[alert.level]}
    if alert.title:
        embed["title"] = alert.title
    if alert.link:
        embed["url"] = alert.link
    left = 2000
    fields = []
    for name, value in alert.facts.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        fields.append({"name": name or "-", "value": value or "-", "inline": True})
    embed["fields"] = fields
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _section(text: str, escaped: bool = False) -> dict[str, Any]:
    shown = text if escaped else _escaped(text)
    return {"type": "section", "text": {"type": "mrkdwn", "text": shown}}


def _parts(text: str, most: int = 590) -> list[str]:
    """Parts of a text that are short enough for a section, also if every character is escaped."""
    if not text:
        return []
    if len(_escaped(text)) <= 3000:
        return [text]
    return [text[start : start + most] for start in range(0, len(text), most)]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(url: str) -> str:
    return _escaped(url).replace("|", "%7C")
