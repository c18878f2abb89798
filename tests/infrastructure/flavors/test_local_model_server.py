"""The server of the model deployer `local`, asked over HTTP."""

import hashlib
import http.client
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time

import cloudpickle
import pytest

from stackfold.infrastructure.flavors.local import plain_tensors
from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor,
    InvalidInput,
)

ROWS = [[1.0, 2.0], [3.0, 4.0]]
TENSOR = {"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}


class Sums:
    """Sums of rows, or of the columns a and b; slow, wrong and fatal where the rows say so."""

    def predict(self, rows):
        import sys
        import time

        if hasattr(rows, "columns"):
            return rows["a"] + rows["b"]
        match rows[0][0]:
            case -1:
                time.sleep(60)
            case -2:
                time.sleep(1)
            case -3:
                sys.exit("enough")
            case -4:
                raise RuntimeError("out of\norder")
        return [sum(row) for row in rows]


class Server:
    """A server of a model, as a process."""

    def __init__(self, folder, model, **options):
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        data = cloudpickle.dumps(model)
        (folder / "model").write_bytes(data)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        given = {"model": folder / "model", "digest": hashlib.sha256(data).hexdigest()}
        given |= {"name": "sums", "port": self.port, "folder": folder, **options}
        self.log = folder / "server.log"
        command = [sys.executable, "-m", "stackfold.serve", "local"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in given.items())], stderr=log
            )
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def answers(self):
        try:
            return self.ask("GET", "/health")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, content=None, headers=None):
        """The status and the content of a response, which is one line."""
        body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read().decode()
            assert text.count("\n") <= 1
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("server"), Sums(), **{"max-bytes": 1000})
    yield found
    found.end()


@pytest.fixture
def impatient(tmp_path):
    found = Server(tmp_path, Sums(), timeout=2, threads=2)
    yield found
    found.end()


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (ROWS, [3.0, 7.0]),
        ([[1, 2]], [3]),
        ({"instances": ROWS}, {"predictions": [3.0, 7.0]}),
        ({"inputs": ROWS}, {"predictions": [3.0, 7.0]}),
        ([{"a": 1, "b": 2.5}], [3.5]),
        ({"dataframe_records": [{"a": 1, "b": 2}]}, {"predictions": [3]}),
        (
            {"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2]]}},
            {"predictions": [3]},
        ),
        (
            {"id": "7", "inputs": [TENSOR]},
            {
                "model_name": "sums",
                "id": "7",
                "outputs": [
                    {"name": "predict", "datatype": "FP64", "shape": [2], "data": [3.0, 7.0]}
                ],
            },
        ),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/invocations", "/v2/models/sums/infer"])
def test_rows_and_the_requests_of_mlflow_and_of_open_inference_are_answered(
    server, path, content, answer
):
    assert server.ask("POST", path, content) == (200, answer)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the body is no JSON: "),
        (b"[[NaN]]", "NaN is no JSON: give null"),
        (b"[" * 900, "the body is no"),
        (b"\xff", "the body is no JSON: "),
        (5, "give rows such as [[5.1, 3.5]], or an object with one of inputs, instances, "),
        ({}, "give rows such as"),
        ([], "there is no row"),
        ([[1.0], [1.0, 2.0]], "the rows are of different lengths"),
        ([{"a": 1}, 5], "side by side"),
        ([["a", "b"]], "TypeError: "),
        ([{"c": 1}], "KeyError: 'a'"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "dataframe_split needs"),
        ({"inputs": [TENSOR, {**TENSOR, "name": "y", "shape": [3]}]}, "has 4 values for the shape"),
        ({"inputs": [{"datatype": "FP64"}]}, "an input has no name"),
        ({"inputs": [{**TENSOR, "datatype": "COLOUR"}]}, "there is no datatype 'COLOUR'"),
        ({"inputs": [{**TENSOR, "data": 7}]}, "an input needs a name and datatype"),
    ],
)
def test_what_the_model_cannot_be_asked_is_one_line(server, content, problem):
    status, answer = server.ask("POST", "/predict", content)
    assert status == 400
    assert problem in answer["error"]


def test_other_paths_and_methods_are_named(server):
    assert server.ask("GET", "/")[0] == 404
    assert server.ask("POST", "/v2/models/others/infer", ROWS)[0] == 404
    assert server.ask("GET", "/predict") == (405, {"error": "/predict takes POST"})
    assert server.ask("POST", "/health", {}) == (405, {"error": "/health takes GET"})
    for path in ("/health", "/ping", "/v2/health/ready", "/v2/models/sums/ready"):
        assert server.ask("GET", path) == (200, {"name": "sums", "ready": True})
    assert server.ask("GET", "/v2/models/sums")[1]["platform"] == "python"
    assert server.ask("HEAD", "/health") == (200, None)


def test_an_error_of_the_model_is_one_line_for_the_client_and_a_traceback_in_the_log(server):
    status, answer = server.ask("POST", "/predict", [[-4.0]])
    assert (status, answer) == (500, {"error": "RuntimeError: out of order"})
    assert "Traceback" in server.log.read_text()
    assert server.ask("POST", "/predict", [[-3.0]]) == (500, {"error": "SystemExit: enough"})
    assert server.answers()


def test_a_body_that_is_too_large_is_rejected(server):
    large = [[1.0] * 1000]
    problem = {"error": "the body is larger than 1000 bytes"}
    assert server.ask("POST", "/predict", large) == (413, problem)
    chunked = {"Transfer-Encoding": "chunked"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/predict", iter([b"[" * 600] * 3), chunked, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.slow
def test_bodies_and_predictions_that_take_too_long_are_given_up(impatient):
    status, answer = impatient.ask("POST", "/predict", [[-1.0]])
    assert (status, answer) == (504, {"error": "the prediction was not complete in 2 seconds"})
    assert impatient.ask("POST", "/predict", ROWS)[0] == 200  # by another thread
    with socket.create_connection(("127.0.0.1", impatient.port)) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n[[")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_what_is_no_http_is_answered_and_closed(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert server.answers()


def test_a_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        used = connection.sock
        connection.request("POST", "/predict", json.dumps(ROWS))
        assert json.loads(connection.getresponse().read()) == [3.0, 7.0]
        assert connection.sock is used
    connection.close()


def test_more_requests_than_allowed_are_turned_away(tmp_path):
    server = Server(tmp_path, Sums(), **{"max-waiting": 1})
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n[[")
            while (found := server.ask("POST", "/predict", ROWS))[0] == 200:
                time.sleep(0.01)
            assert found == (503, {"error": "too many requests are in progress: try again later"})
            assert server.answers()  # its health is told at any time
            slow.sendall(b"1.0,2]]")
            assert slow.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.ask("POST", "/predict", ROWS)[0] == 200
    finally:
        server.end()


def test_requests_in_progress_are_answered_before_it_ends(tmp_path):
    server = Server(tmp_path, Sums())
    found = []
    slow = threading.Thread(
        target=lambda: found.append(server.ask("POST", "/predict", [[-2.0, 5.0]]))
    )
    slow.start()
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait() == 0
    slow.join()
    assert found == [(200, [3.0])]


def test_a_function_is_served(tmp_path):
    server = Server(tmp_path, lambda rows: [len(row) for row in rows])
    try:
        assert server.ask("POST", "/predict", ROWS) == (200, [2, 2])
    finally:
        server.end()


def test_neither_numpy_nor_pandas_is_needed(tmp_path):
    """As in an environment that contains h11 only."""
    program = """
import sys
from importlib import util
found = util.find_spec
util.find_spec = lambda name, *rest: None if name in ("numpy", "pandas") else found(name, *rest)
sys.modules["numpy"] = sys.modules["pandas"] = None
from stackfold.infrastructure.flavors.local import prediction_json
for body in sys.argv[1:]:
    asked = prediction_json.asked(body.encode(), "sums")
    print(prediction_json.json.dumps(asked.answer(prediction_json.outputs(asked.rows))))
"""
    bodies = [ROWS, {"instances": [1, 2]}, {"inputs": [TENSOR]}]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(json.dumps, bodies)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, predictions, outputs = map(json.loads, done.stdout.splitlines())
    assert (rows, predictions) == (ROWS, {"predictions": [1, 2]})
    assert outputs["outputs"] == [{**TENSOR, "name": "predict"}]


def test_what_json_cannot_carry_is_rejected_without_numpy():
    with pytest.raises(InvalidInput, match="infinity in 'predict'"):
        plain_tensors.tensors_of([float("inf")])
    with pytest.raises(InvalidInput, match="the model predicts object in 'predict'"):
        plain_tensors.tensors_of([object()])
    with pytest.raises(InvalidInput, match="2 values for the shape"):
        plain_tensors.lists_of([InferenceTensor("x", "FP64", [3], [1.0, 2.0])])
    assert plain_tensors.tensors_of({"a": 1.5}) == [InferenceTensor("a", "FP64", [], [1.5])]


def test_the_model_is_loaded_before_anything_is_answered(tmp_path):
    """A damaged model ends the server, which has answered nothing."""
    (tmp_path / "model").write_bytes(pickle.dumps(Sums))
    command = [sys.executable, "-m", "stackfold.serve", "local", "--name=a", "--port=0"]
    options = [f"--model={tmp_path / 'model'}", "--digest=0", f"--folder={tmp_path}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("stackfold: the model is damaged: ")
