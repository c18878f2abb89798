"""The methods of Slack's Web API that the alerter calls: https://docs.slack.dev/apis/web-api."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from stackfold.domain.errors import AlerterUnavailable, AlertRejected
from stackfold.infrastructure.flavors.alert_requests import MOST_BYTES, deliver, host_of
from stackfold.infrastructure.flavors.http_requests import Response, request

_CODE = re.compile(r"[\w.:-]{1,80}")
_TEMPORARY = {
    "fatal_error",
    "internal_error",
    "message_limit_exceeded",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
}
_HINTS = {
    "account_inactive": "renew the token of the bot",
    "channel_not_found": "give the id of the channel, and invite the bot to it",
    "invalid_auth": "correct the token of the bot",
    "is_archived": "choose another channel",
    "missing_scope": "add the scope to the bot, and install it again",
    "not_authed": "correct the token of the bot",
    "not_in_channel": "invite the bot to the channel",
    "token_expired": "renew the token of the bot",
    "token_revoked": "renew the token of the bot",
}


class SlackApi:
    """A client of Slack's Web API, with the token of a bot."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        """Create a client; nothing is sent yet.

        Args:
            url: The address of the API, which ends with "/".
            token: The token of the bot.
            timeout: Seconds that a call may take, with all attempts.
        """
        self._url = url
        self._token = token
        self._timeout = timeout
        self._location = host_of(url)

    def post(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method that changes something, with JSON; raises as `get`."""
        body = json.dumps(arguments, ensure_ascii=False).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        return self._call("POST", f"{self._url}{method}", body, headers)

    def get(self, method: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Call a method that reads.

        Args:
            method: Such as "conversations.replies".
            arguments: Its arguments.

        Returns:
            The response, in which `ok` is true.

        Raises:
            AlerterUnavailable: Slack cannot be reached, or limits the rate.
            AlertRejected: Slack rejects the call, or the response is not one of Slack.
        """
        return self._call("GET", f"{self._url}{method}?{urlencode(arguments)}", None, {})

    def _call(
        self, verb: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        if not self._token.isascii() or not self._token.isprintable():
            raise AlertRejected(self._location, "the token of the bot cannot be one: correct it")
        sent = {**headers, "authorization": f"Bearer {self._token}", "user-agent": "stackfold"}

        def send(seconds: float) -> Response:
            return request(
                verb, url, timeout=seconds, headers=sent, content=body, max_bytes=4 * MOST_BYTES
            )

        response = deliver(send, self._location, self._timeout)
        return self._checked(response.body)

    def _checked(self, body: bytes) -> dict[str, Any]:
        try:
            content: Any = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        match content:
            case {"ok": True}:
                return dict(content)
            case {"ok": False, "error": str(code)} if _CODE.fullmatch(code):
                if code in _TEMPORARY:
                    raise AlerterUnavailable(self._location, f"it answers {code}")
                hint = f": {_HINTS[code]}" if code in _HINTS else ""
                needed = content.get("needed")
                if code == "missing_scope" and isinstance(needed, str) and _CODE.fullmatch(needed):
                    code = f"{code} {needed}"
                raise AlertRejected(self._location, f"it answers {code}{hint}")
        raise AlertRejected(self._location, "the answer is not one of Slack's API: correct api_url")
