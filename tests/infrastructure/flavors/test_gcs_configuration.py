"""The configuration of the artifact store `gcs`; it needs neither server nor client library."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from stackfold.application.stacks.configuration import explicit, resolved
from stackfold.domain.errors import InvalidConfiguration
from stackfold.infrastructure.flavors.buckets.errors import BucketError
from stackfold.infrastructure.flavors.gcs.artifact_store import GcsArtifactStore
from stackfold.infrastructure.flavors.gcs.errors import MESSAGES


def checked(**given):
    return explicit(GcsArtifactStore, {"path": "gs://bucket", **given})


def made(**given):
    given = {"path": "gs://bucket", **given}
    return GcsArtifactStore(GcsArtifactStore.Configuration(**given), Path())


@pytest.mark.parametrize("path", ["gs://bucket", "gs://a.b_c-d/x", "gs://b12/a=1/b_c+d/"])
def test_a_path_is_a_bucket_and_a_prefix(path):
    assert checked(path=path)["path"] == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        "bucket", "gs://", "gs://ab", "gs://Bucket", "gs://bucket//x", "gs://bucket/../x",
        "gs://bucket/.x", "gs://bucket/a b", "gs://user@bucket", "gs://bucket?x=1", "s3://bucket",
        "gs://-bucket", "gs://bucket/x\n",
    ],
)  # fmt: skip
def test_what_is_no_such_path_is_refused(path):
    with pytest.raises(InvalidConfiguration, match="must be gs://bucket/prefix"):
        checked(path=path)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"service_account_key": '{"private_key": "pw-x"}'}, "service_account_key: "),
        ({"service_account_key": "pw-x"}, "is a secret and the log is forever"),
        ({"endpoint_url": "https://user:pw-x@host"}, "may hold no password"),
        ({"endpoint_url": "https://host/path"}, "must end with the host and port"),
        ({"timeout": 0}, "timeout"),
        ({"project": "p"}, "project: no such attribute"),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(given, problem):
    with pytest.raises(InvalidConfiguration) as caught:
        checked(**given)
    assert problem in str(caught.value)
    assert "pw-x" not in str(caught.value)


def test_a_pin_holds_every_field_and_references_only():
    whole = resolved(GcsArtifactStore, {"path": "gs://b12", "service_account_key": "{{a.b}}"})
    assert set(whole) == set(GcsArtifactStore.Configuration.model_fields)
    assert whole["service_account_key"] == "{{a.b}}"


def test_where_the_client_is_sent():
    assert made()._endpoint() == "https://storage.googleapis.com"
    assert made().is_remote
    assert not made(endpoint_url="http://127.0.0.1:4443").is_remote


def test_other_programs_are_told_where_it_is_and_no_secret():
    assert made(service_account_key="{{a.b}}").environment() == {}
    assert made(endpoint_url="http://host:1").environment() == {
        "GOOGLE_BASE_URL": "http://host:1",
        "GOOGLE_ALLOW_HTTP": "true",
    }


def test_a_store_that_is_pickled_holds_no_value_and_no_connection():
    store = made(service_account_key="{{a.b}}")
    again = pickle.loads(pickle.dumps(store))
    assert again.configuration == store.configuration
    assert again.flavor == "gcs"


def test_neither_modules_nor_configurations_load_the_client_libraries():
    program = (
        "import sys\n"
        "from stackfold.infrastructure.flavors.azure.artifact_store import AzureArtifactStore\n"
        "from stackfold.infrastructure.flavors.gcs import artifact_store as gcs\n"
        "from pathlib import Path\n"
        "gcs.GcsArtifactStore(\n"
        "    gcs.GcsArtifactStore.Configuration(path='gs://bucket'), Path()\n"
        ").is_remote\n"
        "print([each for each in ('obstore', 'cryptography') if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("non-2xx status code: 404 <Code>NoSuchBucket</Code>", "there is no such bucket"),
        ("non-2xx status code: 403 <Code>AccessDenied</Code>", "let the account use this bucket"),
        ("non-2xx status code: 401 <Code>AuthenticationRequired</Code>", "the key is wrong"),
        ("non-2xx status code: 429 Too Many", "asks to slow down"),
        ("non-2xx status code: 400 <Code>UserProjectMissing</Code>", "is not supported"),
        ("Error performing token request: kind: Connect", "there are no credentials"),
        ("Unable to decode service account file: x", "names no file with the key"),
        ("non-2xx status code: 418 teapot", "it answers 418"),
    ],
)
def test_faults_are_told_in_plain_words(text, words):
    told = MESSAGES.message(BucketError.parse(Exception(text)))
    assert words in told
    assert "\n" not in told
