"""The configuration of the artifact store `azure`; it needs neither server nor client library."""

import pickle
from pathlib import Path

import pytest

from stackfold.application.stacks.configuration import explicit, resolved
from stackfold.domain.errors import InvalidConfiguration
from stackfold.infrastructure.flavors.azure.artifact_store import AzureArtifactStore
from stackfold.infrastructure.flavors.azure.connection_string import ConnectionString
from stackfold.infrastructure.flavors.azure.errors import MESSAGES
from stackfold.infrastructure.flavors.buckets.errors import BucketError

GIVEN = {"path": "az://models", "account_name": "account"}


def checked(**given):
    return explicit(AzureArtifactStore, {**GIVEN, **given})


def made(**given):
    return AzureArtifactStore(AzureArtifactStore.Configuration(**{**GIVEN, **given}), Path())


@pytest.mark.parametrize(
    ("path", "recorded"),
    [
        ("az://abc", "az://abc"),
        ("az://a-b-c/x/", "az://a-b-c/x"),
        ("abfs://models/a=1", "az://models/a=1"),
        ("abfss://models@account.dfs.core.windows.net/x", "az://models/x"),
    ],
)
def test_a_path_is_a_container_and_a_prefix(path, recorded):
    assert checked(path=path)["path"] == recorded


@pytest.mark.parametrize(
    "path",
    [
        "models", "az://", "az://ab", "az://A-b", "az://a--b", "az://-ab", "az://ab-", "az://a_b",
        f"az://{'a' * 64}", "az://models//x", "az://models/../x", "az://models/.x", "az://m@x",
        "az://models?sig=x", "s3://models", "az://models/x\n", "az://models/ä",
        "abfss://models@other.dfs.core.windows.net/x", "abfss://models@account/../x",
    ],
)  # fmt: skip
def test_what_is_no_such_path_is_refused(path):
    with pytest.raises(InvalidConfiguration, match="must be az://container/prefix"):
        checked(path=path)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"account_key": "c2VjcmV0"}, "account_key: is a secret and the log is forever"),
        ({"connection_string": "AccountKey=c2VjcmV0"}, "connection_string: is a secret"),
        ({"account_name": "Account"}, "must be 3 to 24 small letters and digits"),
        ({"account_name": "a/../b"}, "must be 3 to 24 small letters and digits"),
        (
            {"account_key": "{{a.b}}", "sas_token": "{{a.c}}"},
            "account_key and sas_token exclude each other: give one of them",
        ),
        (
            {"managed_identity": True, "sas_token": "{{a.c}}"},
            "sas_token and managed_identity exclude each other",
        ),
        ({"client_secret": "{{a.b}}"}, "client_secret belongs to tenant_id and client_id"),
        ({"tenant_id": "t"}, "tenant_id belongs to a client_secret"),
        ({"client_id": "c"}, "client_id belongs to client_secret or managed_identity"),
        ({"tenant_id": "a/../b"}, "must be an id, or a domain"),
        ({"endpoint_url": "https://user:c2VjcmV0@host"}, "may hold no password"),
        ({"endpoint_url": "https://host?sig=c2VjcmV0"}, "must end with the host and port"),
        ({"endpoint_url": "https://host/other"}, "must end with the host and port, or /account"),
        ({"authority_url": "login.example.com"}, "must be http://host:port or https://host:port"),
        ({"retry_timeout": -1}, "retry_timeout"),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(given, problem):
    with pytest.raises(InvalidConfiguration) as caught:
        checked(**given)
    assert problem in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_pin_holds_every_field_and_references_only():
    whole = resolved(AzureArtifactStore, {**GIVEN, "account_key": "{{a.b}}"})
    assert set(whole) == set(AzureArtifactStore.Configuration.model_fields)
    assert whole["account_key"] == "{{a.b}}"


@pytest.mark.parametrize(
    ("endpoint", "remote", "url"),
    [
        (None, True, "https://account.blob.core.windows.net"),
        ("http://127.0.0.1:10000/account/", False, "http://127.0.0.1:10000/account"),
        ("https://host", True, "https://host"),
    ],
)
def test_where_the_client_is_sent(endpoint, remote, url):
    store = made(endpoint_url=endpoint)
    assert (store.is_remote, store._endpoint()) == (remote, url)


def test_other_programs_are_told_where_it_is_and_no_secret():
    assert made(account_key="{{a.b}}").environment() == {"AZURE_STORAGE_ACCOUNT_NAME": "account"}
    assert made(endpoint_url="http://host:1/account").environment() == {
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_ENDPOINT": "http://host:1/account",
        "AZURE_ALLOW_HTTP": "true",
    }


def test_a_store_that_is_pickled_holds_no_value_and_no_connection():
    store = made(account_key="{{a.b}}")
    again = pickle.loads(pickle.dumps(store))
    assert again.configuration == store.configuration
    assert again.flavor == "azure"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("AccountName=account;AccountKey=a2V5;EndpointSuffix=core.windows.net", ""),
        ("AccountKey=a2V5==", ""),
        (
            "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a",
            "",
        ),
        ("AccountName=account", "neither AccountKey nor SharedAccessSignature"),
        ("", "neither AccountKey nor SharedAccessSignature"),
        ("AccountName=other;AccountKey=a2V5", "is that of another account"),
        ("BlobEndpoint=https://other.example;AccountKey=a2V5", "is that of another server"),
        ("AccountName=account;AccountKey=a2V5;EndpointSuffix=x.cn", "is that of another server"),
    ],
)
def test_a_connection_string_is_that_of_the_configuration(text, problem):
    found = ConnectionString.parse(text).problem("account", "https://account.blob.core.windows.net")
    assert problem in found
    assert bool(problem) == bool(found)
    assert "a2V5" not in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("non-2xx status code: 404 <Code>ContainerNotFound</Code>", "there is no such container"),
        ("non-2xx status code: 404 <Code>ResourceNotFound</Code>", "there is no such account"),
        (
            "non-2xx status code: 403 <Code>AuthorizationPermissionMismatch</Code>",
            "'Storage Blob Data Contributor'",
        ),
        ("non-2xx status code: 403 <Code>AuthenticationFailed</Code>", "correct the secret behind"),
        (
            "non-2xx status code: 403 <Code>KeyBasedAuthenticationNotPermitted</Code>",
            "the account permits no keys",
        ),
        ("non-2xx status code: 409 <Code>ContainerBeingDeleted</Code>", "is being deleted"),
        ("non-2xx status code: 503 <Code>ServerBusy</Code>", "asks to slow down"),
        (
            "Error performing token request: Error performing POST https://login.microsoftonline."
            "com/tenant/oauth2/v2.0/token - non-2xx status code: 401",
            "the service principal cannot sign in: correct tenant_id",
        ),
        ("GET http://169.254.169.254/metadata - kind: Connect", "there are no credentials"),
        ("certificate verify failed", "its certificate is not trusted"),
        ("odd GET http://host/c?sig=secret in 3ms\nmore", "odd GET http://host/c?… in 3ms"),
    ],
)
def test_faults_are_told_in_plain_words(text, words):
    told = MESSAGES.message(BucketError.parse(Exception(text)))
    assert words in told
    assert "\n" not in told
    assert "secret=" not in told
