"""Secrets: kept outside the log, looked up at the last moment, and printed by nothing."""

import pickle
import sys

import pytest
from runnable import STORE, single
from workspaces import stack, store

from stackfold.application.secrets.redaction import redacted, remember, without_secrets
from stackfold.domain.errors import (
    Invalid,
    InvalidStack,
    NameTaken,
    NotFound,
    NothingToChange,
    RunFailed,
    SecretStoreUnavailable,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import references
from stackfold.infrastructure.workspace import Workspace

REGISTRY = ComponentType.CONTAINER_REGISTRY
OPERATOR = ComponentType.STEP_OPERATOR
PLANTED = "pl4nted/s3cret+value"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What other tests have looked up is not remembered here."""
    from stackfold.application.secrets import redaction

    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)


# -- keeping them


def test_a_secret_is_kept_and_told_without_its_values(ws):
    view = ws.secrets.create("aws", {"key": "a", "secret": PLANTED})
    assert view == ("aws", "file", ["key", "secret"], [])
    assert ws.secrets.list() == [view]
    assert ws.secrets.get("aws") == view
    assert PLANTED not in repr(view)
    assert ws.secrets.values("aws") == {"key": "a", "secret": PLANTED}


def test_who_refers_to_a_secret_is_told(ws):
    ws.secrets.create("hub", {"user": "ada", "token": PLANTED})
    configuration = {"uri": "hub.example.com", "password": "{{hub.token}}"}
    ws.components.register(REGISTRY, "hub", "default", configuration)
    assert ws.secrets.get("hub").components == ["container registry hub"]


def test_values_are_set_and_removed_and_the_rest_stays(ws):
    ws.secrets.create("aws", {"key": "a", "secret": "b"})
    ws.secrets.update("aws", {"secret": "c", "token": "d"}, remove=["key"])
    assert ws.secrets.values("aws") == {"secret": "c", "token": "d"}
    with pytest.raises(NothingToChange, match="secret 'aws' unchanged"):
        ws.secrets.update("aws", {"secret": "c"})
    with pytest.raises(NotFound, match="no key 'key': secret 'aws' has secret, token"):
        ws.secrets.update("aws", {}, remove=["key"])
    with pytest.raises(Invalid, match="no value left: delete it instead"):
        ws.secrets.update("aws", {}, remove=["secret", "token"])
    assert ws.secrets.delete("aws").keys == ["secret", "token"]
    assert ws.secrets.list() == []


def test_a_name_is_taken_once_whatever_the_store(ws, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRETS_KEY", "sixteen letters at least")
    ws.secrets.create("aws", {"key": "a"}, store="encrypted")
    with pytest.raises(NameTaken, match="a secret named 'aws' exists already"):
        ws.secrets.create("aws", {"key": "b"}, store="file")


@pytest.mark.parametrize("name", ["a.b", "ü", "", "-a", "a b", "a" * 65])
def test_what_no_reference_could_name_is_refused(ws, name):
    from stackfold.domain.errors import InvalidName

    for create in ({"name": name, "values": {"k": "v"}}, {"name": "a", "values": {name: "v"}}):
        with pytest.raises((Invalid, InvalidName)):
            ws.secrets.create(**create)
    assert ws.secrets.list() == []


@pytest.mark.parametrize("values", [{}, {"k": ""}, {"k": "a\0b"}, {"k": "\ud800"}])
def test_a_value_must_be_text(ws, values):
    with pytest.raises(Invalid) as caught:
        ws.secrets.create("a", values)
    assert "a\0b" not in str(caught.value)


def test_the_best_store_that_can_be_used_is_taken(ws, monkeypatch):
    assert ws.secrets.store().name == "file"
    monkeypatch.setenv("STACKFOLD_SECRETS_KEY", "sixteen letters at least")
    assert ws.secrets.store().name == "encrypted"
    with pytest.raises(SecretStoreUnavailable, match="'keyring' cannot be used: the system has no"):
        ws.secrets.store("keyring")
    with pytest.raises(NotFound, match="choose one of file, encrypted, keyring"):
        ws.secrets.store("vault")


def test_one_store_can_be_demanded(monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "encrypted")
    with Workspace.in_memory() as ws, pytest.raises(SecretStoreUnavailable, match="no key for it"):
        ws.secrets.create("aws", {"key": "a"})


def test_the_environment_comes_first_and_is_changed_nowhere_else(ws, monkeypatch):
    ws.secrets.create("aws", {"key": "stored"})
    monkeypatch.setenv("STACKFOLD_SECRET_AWS_KEY", "from the environment")
    monkeypatch.setenv("STACKFOLD_SECRET_ONLY_KEY", "there")
    assert ws._services.stored_secrets.value("{{aws.key}}") == "from the environment"
    assert ws.secrets.get("only").store == "environment"
    with pytest.raises(NotFound, match="it is in the environment and is changed there"):
        ws.secrets.update("only", {"key": "x"})
    ws.secrets.update("aws", {"key": "new"})
    monkeypatch.delenv("STACKFOLD_SECRET_AWS_KEY")
    assert ws._services.stored_secrets.value("{{ aws.key }}") == "new"


def test_every_reference_in_a_configuration_is_found():
    configuration = {
        "a": "{{x.y}}",
        "b": ["{{x.z}}", "text"],
        "c": {"d": {"e": "{{ p.q }}"}},
        "f": 1,
    }
    assert [*references(configuration)] == ["{{x.y}}", "{{x.z}}", "{{ p.q }}"]


# -- using them

TRACKING = '''
from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.infrastructure.flavors.local.step_operator import LocalStepOperator

SEEN = []

class Guarded(LocalArtifactStore):
    """A folder behind a password."""
    flavor = "guarded"

    class Configuration(LocalArtifactStore.Configuration):
        password: Secret

    def create(self):
        SEEN.append(self.secret(self.configuration.password))
        return super().create()
'''


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """A workspace in a folder, with a stack whose store needs a secret; and the store's module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    name = f"guarded_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(TRACKING)
    with Workspace.open(tmp_path / "home") as ws:
        ws.flavors.register(STORE, f"{name}.Guarded")
        ws.components.register(STORE, "safe", "guarded", {"password": "{{safe.password}}"})
        ws.components.register(OPERATOR, "apart", "local")
        stack(ws, "guarded", artifact_store="safe", step_operator="apart")
        ws.secrets.create("safe", {"password": PLANTED})
        yield ws, sys.modules[name]
    del sys.modules[name]


def everything_kept(ws):
    """All bytes below the home, but for the secrets' own files."""
    kept = [p for p in ws.home.rglob("*") if p.is_file() and p.parent.name != "secrets"]
    return b"".join(each.read_bytes() for each in kept)


def test_a_component_gets_the_value_when_it_uses_it(guarded):
    ws, module = guarded
    component = ws.flavors.build(STORE, "guarded", {"password": "{{safe.password}}"})
    assert component.configuration.password == "{{safe.password}}"
    assert PLANTED.encode() not in pickle.dumps(component)
    assert module.SEEN == []
    ws.secrets.update("safe", {"password": PLANTED + "2"})
    with component.create() as file:
        file.write(b"x")
    assert module.SEEN == [PLANTED + "2"]


@pytest.mark.parametrize("operator", [False, True], ids=["here", "in another process"])
def test_nothing_that_a_run_leaves_behind_holds_the_value(guarded, operator, capfd):
    ws, _ = guarded

    def leaky():
        print("printed", PLANTED)
        raise ValueError(f"cannot log in with {PLANTED}")

    with pytest.raises(RunFailed) as caught:
        ws.runs.start(single(leaky, step_operator=operator), stack="guarded")
    assert str(caught.value).endswith(
        "failed in step 'only': ValueError: cannot log in with {{safe.password}}"
    )
    assert "cannot log in with {{safe.password}}" in caught.value.traceback
    # What Python prints of an error that nobody catches.
    import traceback

    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__cause__, ValueError)
    (run,) = ws.runs.list()
    assert PLANTED not in repr(ws.runs.describe(run.id))
    kept = everything_kept(ws)
    assert PLANTED.encode() not in kept
    assert b"{{safe.password}}" in kept
    # What it printed is kept, and shown.
    assert b"printed {{safe.password}}" in kept
    told = capfd.readouterr()
    assert PLANTED not in told.out + told.err


def test_a_line_of_the_program_that_holds_the_value_is_redacted_too(guarded):
    ws, _ = guarded

    def careless():
        raise ValueError({"pl4nted/s3cret+value": 1}["nothing"])

    with pytest.raises(RunFailed) as caught:
        ws.runs.start(single(careless), stack="guarded")
    assert '{"{{safe.password}}": 1}' in caught.value.traceback
    assert PLANTED.encode() not in everything_kept(ws)


def test_a_secret_that_is_printed_in_pieces_is_not_kept_either(guarded):
    ws, _ = guarded

    def piecemeal():
        for number in range(3000):
            print("." * (number % 90), end="")
            for letter in PLANTED:
                print(letter, end="")

    ws.runs.start(single(piecemeal), stack="guarded")
    assert PLANTED.encode() not in everything_kept(ws)


def test_a_run_without_its_secrets_is_refused_before_anything_happens(guarded):
    ws, module = guarded
    ws.secrets.delete("safe")
    executed = []
    with pytest.raises(InvalidStack) as caught:
        ws.runs.start(single(lambda: executed.append(1)), stack="guarded")
    assert str(caught.value) == (
        "stack 'guarded' cannot work: artifact store 'safe' needs the secret 'safe' with a key "
        "'password': run `stackfold secret create safe --password=-`"
    )
    assert executed == module.SEEN == []
    assert ws.runs.list() == []


def test_an_attribute_refuses_the_value_itself_and_does_not_repeat_it(ws):
    from stackfold.domain.errors import InvalidConfiguration

    with pytest.raises(InvalidConfiguration, match="the log is forever") as caught:
        ws.components.register(REGISTRY, "hub", "default", {"uri": "x", "password": PLANTED})
    assert PLANTED not in str(caught.value)
    store(ws, "unrelated")


# -- redaction


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PLANTED, f"token={PLANTED}"),
        (PLANTED, "https://host/?q=pl4nted%2Fs3cret%2Bvalue"),
        (PLANTED, "Basic cGw0bnRlZC9zM2NyZXQrdmFsdWU="),
        ('with "quotes" and \\', repr({"password": 'with "quotes" and \\'})),
        ('with "quotes" and \\', '{"password": "with \\"quotes\\" and \\\\"}'),
        ("-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----", "line 2 is MIIEvQIBADANBg, it says"),
        ("-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----", "-----BEGIN-----\nMIIEvQIBADANBg\n"),
        ("pässwörd", '{"password": "p\\u00e4ssw\\u00f6rd"}'),
    ],
)
def test_a_value_is_redacted_in_every_form_it_takes(value, text):
    assert redacted(text) == text
    remember(value, "{{a.b}}")
    assert "{{a.b}}" in redacted(text)
    for form in (value, value.splitlines()[-1], "MIIEvQ", "s3cret", "cGw0bnRl", "quotes", "u00e4"):
        assert form not in redacted(text)


def test_the_longer_of_two_values_is_redacted_as_one():
    remember("secret", "{{a.short}}")
    remember("secret-and-more", "{{a.long}}")
    assert redacted("secret-and-more, secret") == "{{a.long}}, {{a.short}}"


def test_what_is_too_short_to_be_a_secret_is_left():
    remember("abc", "{{a.b}}")
    assert redacted("abc") == "abc"


class Stubborn(Exception):
    def __str__(self):
        return f"always says {PLANTED}"


def test_causes_and_notes_and_fields_are_redacted():
    remember(PLANTED, "{{a.b}}")
    error = ValueError("outer", {"password": [PLANTED]})
    error.add_note(f"note: {PLANTED}")
    error.field = PLANTED
    error.__cause__ = Stubborn()
    error.__cause__.__context__ = error  # a circle
    cleaned = without_secrets(error)
    assert cleaned is error
    assert error.args == ("outer", {"password": ["{{a.b}}"]})
    assert error.__notes__ == ["note: {{a.b}}"]
    assert error.field == "{{a.b}}"
    assert str(error.__cause__) == "Stubborn: always says {{a.b}}"


def test_an_error_without_secrets_stays_what_it_is():
    remember(PLANTED, "{{a.b}}")
    cause = KeyError("k")
    error = ValueError("v")
    error.__cause__, error.__suppress_context__ = cause, True
    assert without_secrets(error) is error
    assert (error.__cause__, error.__suppress_context__) == (cause, True)
