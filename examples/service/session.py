"""Alice registers a stack and asks for its approval, and Bob grants it: `session.py URL`."""

import json
import sys
from typing import Any

import httpx


def main(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:

        def request(user: str, method: str, path: str, content: Any = None, etag: str = "") -> None:
            headers = {"X-User": f"{user}@example.org", "X-Request-ID": "request-17"}
            if etag:
                headers["If-Match"] = etag
            answer = client.request(method, path, json=content, headers=headers)
            print(user, method, path, *filter(None, [content and json.dumps(content), etag]))
            print("  ", answer.status_code, answer.headers.get("ETag", ""), answer.text)

        request("alice", "POST", "/acme/stacks", {"name": "prod"})
        request("bob", "PATCH", "/acme/stacks/prod", {"labels": {"team": "vision"}})
        request("alice", "PATCH", "/acme/stacks/prod", {"description": "Mine"}, etag='"1"')
        request("alice", "POST", "/acme/stacks/prod/approvals")
        request("alice", "POST", "/acme/approvals/prod-2/grant")
        request("bob", "POST", "/acme/approvals/prod-2/grant", etag='"1"')
        request("alice", "GET", "/globex/stacks/prod")
        request("alice", "GET", "/acme/activity")


if __name__ == "__main__":
    main(sys.argv[1])
