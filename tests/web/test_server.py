"""`stackfold ui`, as a process."""

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from stackfold.cli.main import run

COMMAND = [sys.executable, "-m", "stackfold", "ui", "--no-browser", "--port"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def address(home):
    process = subprocess.Popen([*COMMAND, "0"], stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process")
def test_the_printed_address_opens_the_pages_on_loopback_only(address):
    origin, key = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\?key=([\w-]{32})", address).groups()
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(origin).status_code == 401
        page = browser.get(address)
        assert page.status_code == 200
        assert "Overview" in page.text
        assert key not in str(page.url)
        assert browser.get(f"{origin}/log").status_code == 200
        assert "server" not in page.headers


def test_a_port_that_is_used_is_an_error_of_one_line(home, capsys):
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        port = used.getsockname()[1]
        assert run(["ui", "--no-browser", "--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert f"the address 127.0.0.1:{port} cannot be used" in error
    assert "choose another with --port or --host" in error
    assert error.count("\n") == 1


def test_without_the_extra_the_error_says_what_to_install(home, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "stackfold.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run(["ui", "--no-browser"]) == 1
    assert "it needs the package uvicorn: pip install 'stackfold[ui]'" in capsys.readouterr().err


def test_drawings_need_no_package_of_the_extra():
    program = "import sys, stackfold.web.drawing.strip; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"jinja2", "starlette", "uvicorn"} & {*loaded}
