"""Input from files, pipes and stdin is limited in size, and not read from devices."""

import os
import subprocess
import sys
import threading

import pytest

from stackfold.domain.errors import InvalidFile, TooLarge
from stackfold.domain.limits import DOCUMENT, SECRET
from stackfold.infrastructure.files.input_file import read_bytes, read_text
from stackfold.infrastructure.files.yaml import parse_yaml

COMMANDS = {
    "a secret": ("secret", "create", "s", "--key=@{}"),
    "an attribute": ("artifact-store", "register", "s", "-f", "local", "--path=@{}"),
    "a stack": ("stack", "import", "-f", "{}"),
    "a log": ("log", "import", "{}"),
}


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_an_error(cli, what, device):
    answer = cli(*(part.format(device) for part in COMMANDS[what]))
    assert answer.code == 1
    assert answer.err == f"error: {device}: is a device: give a file or a pipe\n"


@pytest.mark.parametrize(
    ("what", "limit"), [("a secret", SECRET), ("an attribute", SECRET), ("a stack", DOCUMENT)]
)
def test_a_file_that_is_too_large_is_an_error(cli, tmp_path, what, limit):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(limit + 1)
    answer = cli(*(part.format(large) for part in COMMANDS[what]))
    assert (answer.code, answer.err) == (1, f"error: {large}: more than {limit // 2**20} MiB\n")


def test_an_endless_pipe_is_read_up_to_the_limit(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    endless = subprocess.Popen(["sh", "-c", f"exec yes > {pipe}"], stderr=subprocess.DEVNULL)
    with pytest.raises(TooLarge, match="more than 1 KiB"):
        read_bytes(pipe, 1024)
    endless.wait()


def test_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write():
        with pipe.open("w") as file:
            for part in ("first ", "second"):
                file.write(part)
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    assert read_text(pipe, 1024) == "first second"
    writer.join()


def test_a_log_is_imported_from_a_pipe(cli, tmp_path):
    cli.ok("log", "export", str(tmp_path / "log.jsonl"))
    program = f'exec "{sys.executable}" -m stackfold log import <(cat "{tmp_path}/log.jsonl")'
    done = subprocess.run(
        ["bash", "-c", program],
        env={**os.environ, "STACKFOLD_HOME": str(tmp_path / "copy")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{" + "[" * 5000, "a: " + "[" * 5000 + "]" * 5000])
def test_yaml_that_is_nested_too_deeply_is_an_error(text):
    with pytest.raises(InvalidFile):
        parse_yaml(text, "it")


@pytest.mark.slow
def test_a_duplicate_key_is_found_among_many():
    keys = "".join(f"key-{number}: 1\n" for number in range(20_000))
    assert len(parse_yaml(keys, "it")) == 20_000
    with pytest.raises(InvalidFile, match="'key-3' is given twice"):
        parse_yaml(f"{keys}key-3: 2\n", "it")
