"""Names, labels and the log of Jobs on Kubernetes, which need no cluster."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackfold.infrastructure.flavors.kubernetes.log_protocol import (
    ANSWERED,
    DIED,
    Event,
    LogReader,
    comment,
    lines_of,
)
from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose, label_value, selector
from stackfold.infrastructure.flavors.kubernetes.pod_state import state_of
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


@given(st.text(), st.text(), st.text())
def test_any_pipeline_and_step_has_a_valid_name(pipeline, step, run):
    name = Purpose("step", run, pipeline, step).job_name("1")
    assert NAME.fullmatch(name)
    assert len(name) <= 57  # pods add a hyphen and five characters


def test_names_of_other_steps_and_attempts_differ():
    steps = [Purpose("step", "r", "p" * 90, "s" * 90 + end) for end in ("a", "b")]
    assert len({step.job_name(unique) for step in steps for unique in "12"}) == 4


@given(st.text())
def test_any_text_has_a_valid_label(text):
    assert LABEL.fullmatch(label_value(text))


def test_valid_labels_are_unchanged():
    run = "0a1b2c3d-0000-4000-8000-000000000000"
    assert label_value(run) == run
    assert f"stackfold/run={run}" in selector(Purpose("step", run))


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text())), st.binary())
def test_a_log_returns_what_was_printed(printed, result):
    written = "".join(
        line for stream, text in printed for line in lines_of(Event(stream, text))
    ) + "".join(lines_of(Event(ANSWERED, result)))
    reader = LogReader()
    *output, answer = list(reader.read(written.encode("utf-8", "backslashreplace")))
    for stream in ("stdout", "stderr"):
        expected = "".join(text for name, text in printed if name == stream)
        seen = "".join(event.value for event in output if event.kind == stream)
        assert seen == expected.encode("utf-8", "backslashreplace").decode()
    assert answer == Event(ANSWERED, result)


@given(st.integers(1, 50))
def test_a_log_may_come_in_any_pieces(size):
    data = "".join([*lines_of(Event("stdout", "größe\n")), *lines_of(Event(DIED, [7, False]))])
    reader, written = LogReader(), data.encode()
    found = [e for at in range(0, len(written), size) for e in reader.read(written[at : at + size])]
    assert found == [Event("stdout", "größe\n"), Event(DIED, [7, False])]


@given(st.binary())
def test_a_log_of_others_is_output(data):
    for event in LogReader().read(data + b"\n"):
        assert isinstance(event.kind, str)


def test_a_line_without_end_is_not_kept_in_memory():
    reader = LogReader()
    seen = sum(len(event.value) for _ in range(40) for event in reader.read(b"x" * 2**17))
    assert seen >= 4 * 2**20
    assert len(reader.rest()) <= 2**20


def test_comments_are_only_for_people():
    assert list(LogReader().read("".join(comment("a\nb")).encode())) == []


@pytest.mark.parametrize(
    ("status", "field", "expected"),
    [
        ({"phase": "Failed", "reason": "Evicted", "message": "low\nmemory"}, "lost",
         "Evicted: low memory"),
        ({"phase": "Failed", "reason": "NodeShutdown"}, "lost", "NodeShutdown"),
        ({"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]},
         "waits", "ErrImagePull: no such image"),
        ({"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": "ContainerCreating"}}}]}, "waits", ""),
        ({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
             "message": "0/3 nodes"}]}, "waits", "Unschedulable: 0/3 nodes"),
        ({"phase": "Failed", "containerStatuses": [
            {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}, "killed",
         "it used more memory than its limit of 1024 MiB: request more by resources"),
        ({"phase": "Failed", "containerStatuses": [
            {"state": {"terminated": {"exitCode": 128, "message": "no python"}}}]}, "message",
         "no python"),
    ],
)  # fmt: skip
def test_the_state_of_a_pod_says_what_is_wrong(status, field, expected):
    container = {"resources": {"limits": {"memory": "1Gi"}}}
    pod = {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [container]}}
    assert getattr(state_of({**pod, "status": status}), field) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace": "Not_Valid"},
        {"pod_settings": {"labels": {"stackfold/run": "x"}}},
        {"environment": {"not valid": "x"}},
        {"secret_environment": {"TOKEN": "no-key"}},
    ],
)
def test_invalid_settings_are_rejected(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KubernetesSettings(**wrong)
