"""The configuration of the artifact store `s3`; it needs neither server nor client library."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from stackfold.application.stacks.configuration import explicit, resolved
from stackfold.domain.errors import InvalidConfiguration
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.buckets.errors import BucketError
from stackfold.infrastructure.flavors.s3.artifact_store import S3ArtifactStore
from stackfold.infrastructure.flavors.s3.errors import MESSAGES

STORE = ComponentType.ARTIFACT_STORE


def checked(**given):
    return explicit(S3ArtifactStore, {"path": "s3://bucket", **given})


def made(**given):
    return S3ArtifactStore(
        S3ArtifactStore.Configuration(**{"path": "s3://bucket", **given}), Path()
    )


@pytest.mark.parametrize(
    "path", ["s3://bucket", "s3://a.b-c/x", "s3://bucket/a=1/b_c+d", "s3://b12/"]
)
def test_a_path_is_a_bucket_and_a_prefix(path):
    assert checked(path=path)["path"] == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        "bucket", "s3://", "s3://ab", "s3://Bucket", "s3://bucket//x", "s3://bucket/../x",
        "/folder", "s3://bucket/.x", "s3://bucket/a b", "s3://bucket/ä", "s3://user@bucket",
        "s3://bucket?x=1", "gs://bucket", "s3://bucket/%2e", "s3://-bucket", "s3://bucket/x\n",
    ],
)  # fmt: skip
def test_what_is_no_such_path_is_refused(path):
    with pytest.raises(InvalidConfiguration, match="must be s3://bucket/prefix"):
        checked(path=path)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"key": "AKIAXXXXXXXX"}, "key: is a secret and the log is forever"),
        ({"key": "{{a.b}}"}, "key and secret belong together"),
        ({"token": "{{a.b}}"}, "token belongs to a key"),
        ({"endpoint_url": "https://user:pw-x@host"}, "may hold no password"),
        ({"endpoint_url": "host:9000"}, "must be http://host:port"),
        ({"endpoint_url": "https://host/path"}, "must end with the host and port"),
        ({"client_kwargs": {"verify": False}}, "client_kwargs: no such attribute"),
        ({"client_kwargs": "text"}, "client_kwargs: no such attribute"),
        ({"retry_timeout": -1}, "retry_timeout"),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(given, problem):
    with pytest.raises(InvalidConfiguration) as caught:
        checked(**given)
    assert problem in str(caught.value)
    assert "AKIAXXXXXXXX" not in str(caught.value)
    assert "pw-x" not in str(caught.value)


@pytest.mark.parametrize("how", [dict, json.dumps], ids=["as an object", "as text"])
def test_the_peers_client_kwargs_are_taken(how):
    options = how({"endpoint_url": "http://host:9000", "region_name": "eu-central-1"})
    assert checked(client_kwargs=options) == {
        "path": "s3://bucket",
        "endpoint_url": "http://host:9000",
        "region": "eu-central-1",
    }


def test_they_change_a_component_too(ws):
    ws.components.register(STORE, "lake", "s3", {"path": "s3://bucket", "region": "a"})
    options = json.dumps({"endpoint_url": "http://host:9000", "region_name": "b"})
    view = ws.components.update(STORE, "lake", {"client_kwargs": options})
    assert view.configuration == {
        "path": "s3://bucket",
        "endpoint_url": "http://host:9000",
        "region": "b",
    }


def test_a_pin_holds_every_field_and_references_only():
    whole = resolved(S3ArtifactStore, {"path": "s3://b12", "key": "{{a.b}}", "secret": "{{a.c}}"})
    assert set(whole) == set(S3ArtifactStore.Configuration.model_fields)
    assert (whole["key"], whole["secret"]) == ("{{a.b}}", "{{a.c}}")


@pytest.mark.parametrize(
    ("endpoint", "remote"),
    [
        (None, True),
        ("https://s3.example.com", True),
        ("http://10.1.2.3:9000", True),
        ("http://localhost:9000", False),
        ("http://127.0.0.1:9000", False),
        ("http://[::1]:9000", False),
    ],
)
def test_a_server_on_this_machine_is_not_reached_from_others(endpoint, remote):
    assert made(endpoint_url=endpoint).is_remote is remote


@pytest.mark.parametrize(
    ("given", "endpoint", "virtual"),
    [
        ({}, "https://bucket.s3.us-east-1.amazonaws.com", True),
        ({"path": "s3://a.b"}, "https://s3.us-east-1.amazonaws.com", False),
        ({"region": "cn-north-1"}, "https://bucket.s3.cn-north-1.amazonaws.com.cn", True),
        ({"endpoint_url": "http://host:1"}, "http://host:1", False),
        ({"endpoint_url": "http://host:1", "addressing": "virtual"}, "http://bucket.host:1", True),
    ],
)
def test_where_the_client_is_sent(given, endpoint, virtual):
    assert made(**given)._server() == (endpoint, virtual)


def test_a_store_that_is_pickled_holds_no_value_and_no_connection():
    store = made(key="{{a.b}}", secret="{{a.c}}")
    again = pickle.loads(pickle.dumps(store))
    assert again.configuration == store.configuration
    assert again.flavor == "s3"


def test_neither_its_module_nor_its_configuration_loads_the_client_library():
    program = (
        "import sys\n"
        "from stackfold.infrastructure.flavors.s3.artifact_store import S3ArtifactStore as Store\n"
        "from pathlib import Path\n"
        "Store(Store.Configuration(path='s3://bucket'), Path()).is_remote\n"
        "print('obstore' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("non-2xx status code: 404 <Code>NoSuchBucket</Code>", "there is no such bucket"),
        ("non-2xx status code: 400 <Code>ExpiredToken</Code>", "the credentials have expired"),
        ("non-2xx status code: 301 Moved", "the bucket is in another region"),
        ("non-2xx status code: 429 Too Many", "asks to slow down"),
        ("non-2xx status code: 507 Insufficient", "it is full"),
        (
            "non-2xx status code: 500 <Code>InternalError</Code>",
            "500 InternalError, a server",
        ),
        ("non-2xx status code: 418 teapot", "it answers 418"),
        ("kind: Timeout", "it did not answer in time"),
        ("dns error", "there is no such host"),
        ("something else\nand more", "something else"),
    ],
)
def test_faults_are_told_in_plain_words(text, words):
    told = MESSAGES.message(BucketError.parse(Exception(text)))
    assert words in told
    assert "\n" not in told


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7", "[::1]", "[2001:db8::1]"])
def test_a_bucket_cannot_be_a_name_below_an_address(host):
    with pytest.raises(InvalidConfiguration) as refused:
        checked(endpoint_url=f"http://{host}:9000", addressing="virtual")
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith("give addressing=path, or a host's name")


@pytest.mark.parametrize(
    ("given", "variables"),
    [
        ({"region": "eu-central-1"}, {"AWS_REGION": "eu-central-1"}),
        (
            {"endpoint_url": "https://s3.example.com"},
            {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "https://s3.example.com"},
        ),
        (
            {"endpoint_url": "http://host:1", "addressing": "virtual"},
            {
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": "http://bucket.host:1",
                "AWS_ALLOW_HTTP": "true",
                "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
            },
        ),
    ],
)
def test_other_programs_are_told_where_it_is_and_no_secret(given, variables):
    store = made(**given, key="{{s3.key}}", secret="{{s3.secret}}")
    assert store.environment() == variables
