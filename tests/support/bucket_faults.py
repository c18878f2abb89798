"""What an artifact store in a bucket does when its server is away, busy, or says no."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from faulty_proxy import FaultyProxy

from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, MissingSecret
from stackfold.testing.contracts.artifact_store import content, uris, written

MEBIBYTE = 2**20
LARGE = b"0123456789abcdef" * (MEBIBYTE + 1)
"""16 MiB and a bit: three parts."""
OPERATIONS = ["write", "write much", "read", "size", "list", "delete", "check"]


def execute(operation, store):
    uri = f"{store.configuration.path}/ab/{'0' * 62}"
    {
        "write": lambda: written(store, b"bytes"),
        "write much": lambda: written(store, LARGE),
        "read": lambda: store.open(uri, "0" * 64).__enter__(),
        "size": lambda: store.size(uri),
        "list": lambda: uris(store),
        "delete": lambda: store.delete(uri),
        "check": store.check_connection,
    }[operation]()


def problem(operation, store, *hidden):
    """The line that an operation fails with, which contains none of some secrets."""
    with pytest.raises(ArtifactStoreUnavailable) as caught:
        execute(operation, store)
    line = str(caught.value)
    assert "\n" not in line
    assert not [each for each in hidden if each in line]
    error = caught.value
    assert error.__suppress_context__ or not error.__context__, "a traceback shows the request"
    return line


class BucketFaults:
    """Override the fixtures `server`, `path`, `make` and `secret`."""

    MISSING = ""
    """The path of a bucket that does not exist."""
    NO_BUCKET = ""
    """What is said of it."""
    HOST = "endpoint_url"
    """The attributes that name the server."""

    @pytest.fixture
    def server(self):
        """A server that can be killed and started, with the attribute `url`."""
        raise NotImplementedError

    @pytest.fixture
    def make(self, server):
        """A function that makes a store of attributes, with working credentials."""
        raise NotImplementedError

    @pytest.fixture
    def path(self):
        """A prefix that no other test uses."""
        raise NotImplementedError

    @pytest.fixture
    def secret(self):
        """A part of the credentials."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make, server, path):
        return make(path=path, endpoint_url=server.url)

    @pytest.fixture
    def proxy(self, server):
        with FaultyProxy(server.url) as proxy:
            yield proxy

    @pytest.fixture
    def through(self, make, server, proxy, path):
        """The store, behind the proxy."""
        return make(path=path, endpoint_url=proxy.url + urlsplit(server.url).path)

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_an_unavailable_server_is_reported(self, make, path, secret, operation):
        store = make(path=path, endpoint_url="http://127.0.0.1:1", retry_timeout=0.5)
        assert problem(operation, store, secret) == (
            f"the artifact store at {path} on http://127.0.0.1:1 cannot be used: nothing answers: "
            f"start it, or correct {self.HOST}"
        )

    def test_an_unknown_host_is_reported(self, make, path, secret):
        store = make(path=path, endpoint_url="http://nowhere.invalid", retry_timeout=0)
        assert f"there is no such host: correct {self.HOST}" in problem("write", store, secret)

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_missing_bucket_is_reported(self, make, server, secret, operation):
        store = make(path=f"{self.MISSING}/x", endpoint_url=server.url)
        assert problem(operation, store, secret).endswith(self.NO_BUCKET)

    def test_a_bucket_that_can_be_used_passes_the_check(self, store):
        store.check_connection()

    def test_a_missing_secret_is_reported(self, store, monkeypatch):
        import os

        for name in list(os.environ):
            if name.startswith("STACKFOLD_SECRET_"):
                monkeypatch.delenv(name)
        with pytest.raises(MissingSecret, match="no secret"):
            written(store, b"bytes")

    def test_requests_to_a_busy_server_are_repeated(self, proxy, through):
        proxy.slow_downs = 3
        assert content(through, written(through, b"bytes")) == b"bytes"
        assert proxy.met == 3

    def test_requests_to_a_busy_server_end_at_last(self, make, server, proxy, path, secret):
        proxy.slow_downs = 10**9
        url = proxy.url + urlsplit(server.url).path
        store = make(path=path, endpoint_url=url, retry_timeout=1)
        assert "it is overloaded and asks to slow down" in problem("write", store, secret)

    def test_a_connection_lost_in_a_large_put_is_reopened(self, proxy, through):
        proxy.cuts, proxy.cut_after = 2, 3 * MEBIBYTE
        assert content(through, written(through, LARGE)) == LARGE
        assert proxy.met == 2

    def test_an_upload_that_is_always_interrupted_leaves_nothing(
        self, make, server, proxy, path, store, secret
    ):
        proxy.cuts, proxy.cut_after = 10**9, 3 * MEBIBYTE
        url = proxy.url + urlsplit(server.url).path
        cut = make(path=path, endpoint_url=url, retry_timeout=2)
        assert "the connection was cut" in problem("write much", cut, secret)
        assert uris(store) == []

    @pytest.mark.parametrize("when", ["asked", "answered"])
    def test_a_put_that_is_reset_is_repeated(self, proxy, through, when):
        proxy.resets, proxy.reset_when, proxy.reset_on = 2, when, b"PUT "
        assert content(through, written(through, b"bytes")) == b"bytes"
        assert proxy.met == 2

    @pytest.mark.parametrize("when", ["asked", "answered"])
    def test_a_read_that_is_reset_is_repeated(self, proxy, through, store, when):
        stored = written(store, b"bytes")
        proxy.resets, proxy.reset_when, proxy.reset_on = 2, when, b"GET "
        assert content(through, stored) == b"bytes"
        assert proxy.met == 2

    @pytest.mark.parametrize("when", ["asked", "answered"])
    def test_a_deletion_that_is_reset_is_repeated(self, proxy, through, store, when):
        stored = written(store, b"bytes")
        proxy.resets, proxy.reset_when, proxy.reset_on = 1, when, self.DELETES
        assert through.delete(stored.uri) is True
        assert store.size(stored.uri) is None
        assert proxy.met == 1

    DELETES = b"DELETE "
    """How the request begins by which an object is deleted."""

    @pytest.mark.parametrize("when", ["asked", "answered"])
    def test_a_claim_whose_response_was_lost_is_recognized(self, proxy, through, store, when):
        stored = written(store, b"bytes")
        proxy.resets, proxy.reset_when, proxy.reset_on = 2, when, b"PUT "
        assert through.delete(stored.uri, datetime.now(UTC) + timedelta(hours=1)) is True
        assert store.size(stored.uri) is None

    def test_a_server_killed_during_an_upload_is_waited_for(self, server, store, proxy, through):
        def crash():
            server.kill()
            server.start(wait=False)

        proxy.notify_at, proxy.notify = 3 * len(LARGE), crash
        stored = written(through, 6 * LARGE)
        assert proxy.notify is None
        assert content(store, stored) == 6 * LARGE
        assert uris(store) == [stored.uri]

    def test_a_deleted_artifact_differs_from_a_missing_bucket(self, store):
        stored = written(store, b"bytes")
        store.delete(stored.uri)
        with pytest.raises(ArtifactDamaged, match="no longer exists"):
            content(store, stored)
