"""Checks that a W&B server responds and accepts an API key."""

import base64
import json

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.http_requests import request

_TIMEOUT = 10.0
"""Seconds to wait for a response."""
_QUERY = json.dumps({"query": "query Viewer { viewer { id } }"}).encode()
_OTHER_SERVER = "it is no W&B server: correct base_url"
_DENIED = "access is denied: correct the secret behind api_key"


def require_account(base_url: str, api_key: str | None) -> None:
    """Check that a server responds, and that it knows an API key.

    Args:
        base_url: The server's URL.
        api_key: The key; None if W&B finds one by itself, which is not checked.

    Raises:
        TrackerUnavailable: It does not respond, or does not know the key.
    """
    headers = {"Content-Type": "application/json"}
    if api_key is not None:
        pair = base64.b64encode(f"api:{api_key}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    try:
        response = request(
            "POST",
            f"{base_url.rstrip('/')}/graphql",
            headers=headers,
            content=_QUERY,
            timeout=_TIMEOUT,
            follow_redirects=True,
        )
    except OSError as error:
        raise TrackerUnavailable(base_url, _reason(error)) from None
    except ValueError:
        raise TrackerUnavailable(base_url, _OTHER_SERVER) from None
    if response.status in (401, 403):
        raise TrackerUnavailable(base_url, _DENIED)
    if not 200 <= response.status < 300:
        problem = f"it answers with the status {response.status}"
        raise TrackerUnavailable(base_url, problem)
    try:
        content = json.loads(response.body)
    except ValueError:
        raise TrackerUnavailable(base_url, _OTHER_SERVER) from None
    viewer = (content.get("data") or {}).get("viewer") if isinstance(content, dict) else None
    if api_key is not None and not viewer:
        raise TrackerUnavailable(base_url, _DENIED)


def _reason(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "nothing answers: start it, or correct base_url"
        case TimeoutError():
            return "it did not answer in time"
    return " ".join(str(error).split()) or type(error).__name__
