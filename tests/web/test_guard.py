"""Which requests are answered, and what the answers permit."""

from urllib.parse import quote

import pytest
from browsing import KEY, app_of, get

from stackfold import Workspace
from stackfold.errors import Invalid
from stackfold.web import LOOPBACK, create_app


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


@pytest.fixture(scope="module")
def locked(ws):
    return create_app(ws, key=KEY)


@pytest.mark.parametrize("host", ["127.0.0.1:8470", "localhost:8470", "[::1]:8470", "LOCALHOST"])
def test_a_host_of_this_machine_is_served(app, host):
    assert get(app, host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8470",
        "127.0.0.1.evil.example",
        "127.0.0.1:x",
        "localhost:1:2",
        "",
    ],
)
def test_another_host_is_not_served(app, host):
    answer = get(app, host=host)
    assert answer.status_code == 421
    assert "this host is not served here" in answer.text


def test_a_service_names_its_own_hosts(ws):
    app = app_of(ws, hosts={"ml.example.com", "other.example.com:8443"})
    assert get(app, host="ml.example.com").status_code == 200
    assert get(app, host="ml.example.com:8470").status_code == 200
    assert get(app, host="other.example.com:8443").status_code == 200
    assert get(app, host="other.example.com").status_code == 421
    assert get(app, host=next(iter(LOOPBACK))).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_the_pages_are_read_only(app, method):
    answer = get(app, method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
        {"sec_fetch_site": "cross-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8471"},
        {"origin": "null"},
    ],
)
def test_a_request_that_another_site_makes_is_rejected(app, headers):
    assert get(app, **headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
        {
            "sec_fetch_site": "cross-site",
            "sec_fetch_mode": "navigate",
            "sec_fetch_dest": "document",
        },
        {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"},
        {"origin": "http://127.0.0.1:8470"},
    ],
)
def test_the_page_itself_the_user_and_links_are_answered(app, headers):
    assert get(app, **headers).status_code == 200


def test_without_the_key_nothing_of_the_log_is_shown(locked):
    for url in ("/", "/log", "/runs", "/nothing", "/?key=", "/?key=wröng", "/?key=" + KEY[:-1]):
        answer = get(locked, url)
        assert answer.status_code == 401
        assert "the key is missing" in answer.text
        assert "set-cookie" not in answer.headers


def test_the_key_in_the_address_becomes_a_cookie_of_the_port(locked):
    answer = get(locked, f"/log?by=eve&key={KEY}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/log?by=eve")
    cookie = answer.headers["set-cookie"]
    name = cookie.partition("=")[0]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert get(locked, "/log", cookie=f"other=1; {name}={KEY}").status_code == 200
    assert get(locked, "/log", cookie=f"{name}=wrong").status_code == 401
    assert get(locked, "/log", cookie=f"stackfold_key_1={KEY}").status_code == 401


def test_the_address_after_the_key_stays_on_this_host(locked):
    assert (
        get(locked, f"http://127.0.0.1:8470//evil.example?key={KEY}").headers["location"]
        == "/evil.example"
    )


def test_a_page_without_the_key_can_be_opened_again(locked):
    answer = get(locked, f"/log?by=eve&key={KEY[:-1]}&type=stack")
    assert 'href="/log?by=eve&amp;type=stack"' in answer.text
    answer = get(locked, "http://127.0.0.1:8470//evil.example")
    assert 'href="/evil.example"' in answer.text
    answer = get(locked, "/stacks/ml/runs", root_path="/stacks/ml")
    assert 'href="/stacks/ml/runs"' in answer.text


@pytest.mark.parametrize("key", ["with spaces; and, commas", "schlüssel=mit%20zeichen"])
def test_a_key_may_have_any_characters(ws, key):
    locked = create_app(ws, key=key)
    cookie = get(locked, f"/?key={quote(key)}").headers["set-cookie"].partition("; ")[0]
    assert get(locked, "/log", cookie=cookie).status_code == 200


def test_the_address_after_the_key_names_the_same_page(locked):
    answer = get(locked, f"/stacks/a%3Fb%23c%25?key={KEY}")
    assert answer.headers["location"] == "/stacks/a%3Fb%23c%25"


def test_a_short_key_is_rejected(ws):
    with pytest.raises(Invalid, match="the key has 5 characters: give at least 16"):
        create_app(ws, key="short")


@pytest.mark.parametrize(
    "url", ["/", "/nothing", "/?as_of=never", "/static/app.css", "/static/no.css"]
)
def test_each_answer_restricts_what_it_may_do(app, url):
    headers = get(app, url).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_pages_are_not_stored_and_files_are(app):
    assert get(app).headers["cache-control"] == "no-store"
    assert "immutable" in get(app, "/static/app.css").headers["cache-control"]


def test_large_requests_are_rejected(app):
    assert get(app, "/log?by=" + "x" * 9000).status_code == 414
    assert get(app, content_length="70000").status_code == 413
    assert get(app, content_length="many").status_code == 413


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e%2fapp.py", "/vendor/VERSIONS"]
)
def test_only_the_files_of_the_pages_are_served(app, path):
    assert get(app, path).status_code == 404
