"""The artifact store `s3` when its server is away, busy, or says no: bounded, one clear line."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from faulty_proxy import FaultyProxy
from s3_server import KEY, SECRET, s3_store

from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, MissingSecret
from stackfold.testing.contracts.artifact_store import content, uris, written

MEBIBYTE = 2**20
LARGE = b"0123456789abcdef" * (MEBIBYTE + 1)
"""16 MiB and a bit: three parts."""


@pytest.fixture
def proxy(s3_server):
    with FaultyProxy(s3_server.url) as proxy:
        yield proxy


def every_operation(store):
    uri = f"{store.configuration.path}/ab/{'0' * 62}"
    return {
        "write": lambda: written(store, b"bytes"),
        "write much": lambda: written(store, LARGE),
        "read": lambda: store.open(uri, "0" * 64).__enter__(),
        "size": lambda: store.size(uri),
        "list": lambda: uris(store),
        "check": store.check_connection,
    }


def unavailable(operation):
    with pytest.raises(ArtifactStoreUnavailable) as caught:
        operation()
    line = str(caught.value)
    assert "\n" not in line
    assert KEY not in line
    assert SECRET not in line
    return line


OPERATIONS = list(every_operation(s3_store(path="s3://bucket")))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_unavailable_server_is_reported(s3_secrets, operation):
    store = s3_store(path="s3://bucket/x", endpoint_url="http://127.0.0.1:1", retry_timeout=0.5)
    assert unavailable(every_operation(store)[operation]) == (
        "the artifact store at s3://bucket/x on http://127.0.0.1:1 cannot be used: nothing "
        "answers: start it, or correct endpoint_url"
    )


def test_an_unknown_host_is_reported(s3_secrets):
    store = s3_store(path="s3://bucket", endpoint_url="http://nowhere.invalid", retry_timeout=0)
    assert "there is no such host: correct endpoint_url" in unavailable(
        lambda: written(store, b"bytes")
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_missing_bucket_is_reported(s3_server, s3_secrets, operation):
    store = s3_store(path="s3://missing/x", endpoint_url=s3_server.url)
    assert "there is no such bucket: create it, or correct the path" in unavailable(
        every_operation(store)[operation]
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("variable", "reasons"),
    [
        ("KEY", ["it does not know this access key: correct the secret behind key"]),
        ("SECRET", ["the secret key is wrong: correct the secret behind secret"]),
    ],
)
def test_wrong_credentials_are_reported(
    s3_server,
    s3_secrets,
    s3_path,
    monkeypatch,
    operation,
    variable,
    reasons,
):
    monkeypatch.setenv(f"STACKFOLD_SECRET_S3_{variable}", "wrong-one")
    store = s3_store(path=s3_path, endpoint_url=s3_server.url)
    # A response to HEAD has no text, so it does not say which of the two is wrong.
    line = unavailable(every_operation(store)[operation])
    assert any(each in line for each in [*reasons, "access is denied: correct key and secret"])
    assert "wrong-one" not in line


def test_a_bucket_that_can_be_used_passes_the_check(s3):
    s3.check_connection()


def test_a_missing_secret_is_reported(s3_server, s3_path):
    store = s3_store(path=s3_path, endpoint_url=s3_server.url, key="{{nobody.knows}}")
    with pytest.raises(MissingSecret, match="no secret 'nobody' with a key 'knows'"):
        written(store, b"bytes")


def test_requests_to_a_busy_server_are_repeated(proxy, s3_secrets, s3_path):
    proxy.slow_downs = 3
    store = s3_store(path=s3_path, endpoint_url=proxy.url)
    assert content(store, written(store, b"bytes")) == b"bytes"
    assert proxy.met == 3


def test_requests_to_a_busy_server_end_at_last(proxy, s3_secrets, s3_path):
    proxy.slow_downs = 10**9
    store = s3_store(path=s3_path, endpoint_url=proxy.url, retry_timeout=1)
    began = time.monotonic()
    assert "it is overloaded and asks to slow down" in unavailable(lambda: written(store, b"x"))
    assert time.monotonic() - began > 0.5


def test_a_connection_lost_in_a_large_put_is_reopened(
    proxy,
    s3_secrets,
    s3_path,
):
    proxy.cuts, proxy.cut_after = 2, 3 * MEBIBYTE
    store = s3_store(path=s3_path, endpoint_url=proxy.url)
    assert content(store, written(store, LARGE)) == LARGE
    assert proxy.met == 2


def test_an_upload_that_is_always_interrupted_leaves_nothing(
    proxy,
    s3,
    s3_secrets,
    s3_path,
):
    proxy.cuts, proxy.cut_after = 10**9, 3 * MEBIBYTE
    cut = s3_store(path=s3_path, endpoint_url=proxy.url, retry_timeout=2)
    assert "the connection was cut" in unavailable(lambda: written(cut, LARGE))
    assert uris(s3) == []


# -- a connection that is reset: before the server has the request, or when the answer is lost


@pytest.fixture(params=["asked", "answered"])
def resetting(proxy, request):
    """The proxy; it resets two requests."""
    proxy.resets, proxy.reset_when = 2, request.param
    return proxy


@pytest.fixture
def through(resetting, s3_secrets, s3_path):
    """The store, behind the proxy."""
    return s3_store(path=s3_path, endpoint_url=resetting.url)


def test_a_put_that_is_reset_is_repeated(resetting, through):
    resetting.reset_on = b"PUT "
    assert content(through, written(through, b"bytes")) == b"bytes"
    assert resetting.met == 2


def test_a_reset_put_of_an_existing_artifact_is_repeated(resetting, through, s3):
    before = written(s3, b"bytes")
    resetting.reset_on = b"PUT "
    assert written(through, b"bytes") == before
    assert content(s3, before) == b"bytes"
    assert resetting.met == 2


def test_a_read_that_is_reset_is_repeated(resetting, through, s3):
    stored = written(s3, b"bytes")
    resetting.reset_on = b"GET "
    assert content(through, stored) == b"bytes"
    assert resetting.met == 2


def test_a_large_put_whose_beginning_is_reset_is_repeated(resetting, through):
    resetting.reset_on = b"POST "  # which begins and completes what is sent in parts
    assert content(through, written(through, LARGE)) == LARGE
    assert resetting.met == 2


def test_a_deletion_that_is_reset_is_repeated(resetting, through, s3):
    stored = written(s3, b"bytes")
    resetting.reset_on = b"POST "
    assert through.delete(stored.uri) is True
    assert s3.size(stored.uri) is None
    assert resetting.met == 2


def test_a_claim_whose_response_was_lost_is_recognized(resetting, through, s3):
    stored = written(s3, b"bytes")
    resetting.reset_on = b"PUT "
    assert through.delete(stored.uri, datetime.now(UTC) + timedelta(hours=1)) is True
    assert s3.size(stored.uri) is None
    assert resetting.met == 2


def test_a_claim_of_another_process_is_respected(resetting, through, s3, s3_client):
    import obstore

    stored = written(s3, b"bytes")
    prefix = s3.configuration.path.removeprefix("s3://stackfold/")
    obstore.put(s3_client, f"{prefix}/.deleting/{stored.digest}", b"another's")
    resetting.reset_on = b"PUT "
    assert through.delete(stored.uri, datetime.now(UTC) + timedelta(hours=1)) is False
    assert content(s3, stored) == b"bytes"


def test_a_put_that_is_always_reset_is_reported(resetting, s3_secrets, s3_path):
    resetting.resets, resetting.reset_on = 10**9, b"PUT "
    store = s3_store(path=s3_path, endpoint_url=resetting.url, retry_timeout=1)
    assert unavailable(lambda: written(store, b"bytes")).endswith("the connection was cut")
    assert resetting.met > 1


def test_repetition_can_be_switched_off(resetting, s3_secrets, s3_path):
    resetting.reset_on = b"PUT "
    store = s3_store(path=s3_path, endpoint_url=resetting.url, retry_timeout=0)
    assert unavailable(lambda: written(store, b"bytes")).endswith("the connection was cut")
    assert resetting.met == 1


def test_a_killed_server_keeps_stored_artifacts(s3_server, s3):
    stored = [written(s3, b"%d" % number * 1000) for number in range(20)]
    s3_server.kill()
    s3_server.start(wait=False)
    # The s3 waits for it.
    for each in stored:
        assert content(s3, each)


def test_a_deleted_artifact_differs_from_a_missing_bucket(s3):
    stored = written(s3, b"bytes")
    s3.delete(stored.uri)
    with pytest.raises(ArtifactDamaged, match="no longer exists"):
        content(s3, stored)


def test_environment_variables_do_not_change_the_server(s3, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT": "http://127.0.0.1:1",
        "AWS_BUCKET": "other",
        "AWS_REGION": "nowhere-1",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_SKIP_SIGNATURE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    stored = written(s3, b"bytes")
    assert stored.uri.startswith(s3.configuration.path)
    assert content(s3, stored) == b"bytes"


@pytest.mark.slow
def test_a_gibibyte_is_streamed(s3):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    piece = bytes(MEBIBYTE)
    with s3.create() as file:
        for number in range(1024):
            file.write(number.to_bytes(8, "big") + piece[8:])
    with s3.open(file.stored.uri, file.stored.digest) as back:
        for number in range(1024):
            assert back.read(MEBIBYTE)[:8] == number.to_bytes(8, "big")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024, "kibibytes"
    s3.delete(file.stored.uri)
