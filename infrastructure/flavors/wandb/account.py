"""Whether a W&B server answers, and knows an API key."""

import base64
import json
import urllib.error
import urllib.request

from stackfold.domain.errors import TrackerUnavailable

_SECONDS = 10
_QUESTION = json.dumps({"query": "query Viewer { viewer { id } }"}).encode()


def require_account(place: str, api_key: str | None) -> None:
    """Ask a server which account a key belongs to.

    Args:
        place: The server.
        api_key: The key; None where W&B finds one by its own ways, which is not looked into.

    Raises:
        TrackerUnavailable: It does not answer, or does not know the key.
    """
    request = urllib.request.Request(  # noqa: S310  # the configuration allows http and https only
        f"{place.rstrip('/')}/graphql", _QUESTION, {"Content-Type": "application/json"}
    )
    if api_key is not None:
        pair = base64.b64encode(f"api:{api_key}".encode()).decode()
        # Not to be carried to where the answer may lead.
        request.add_unredirected_header("Authorization", f"Basic {pair}")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            told = json.loads(answer.read(2**20))
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (401, 403):
                raise TrackerUnavailable(place, _DENIED) from None
            raise TrackerUnavailable(place, f"it answers with the status {error.code}") from None
    except ValueError:
        raise TrackerUnavailable(place, "it is no W&B server: correct base_url") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise TrackerUnavailable(place, _problem(reason)) from None
    viewer = (told.get("data") or {}).get("viewer") if isinstance(told, dict) else None
    if api_key is not None and not viewer:
        raise TrackerUnavailable(place, _DENIED)


_DENIED = "access is denied: correct the secret behind api_key"


def _problem(reason: object) -> str:
    if isinstance(reason, ConnectionRefusedError):
        return "nothing answers: start it, or correct base_url"
    if isinstance(reason, TimeoutError):
        return "it did not answer in time"
    return " ".join(str(reason).split()) or type(reason).__name__
