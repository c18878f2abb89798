"""What W&B wrote while it was offline, read back from its files past the library.

A `.wandb` file is a log in LevelDB's format: after 7 bytes come blocks of 32 KiB with records of
crc32 (4 bytes), length (2), kind (1: 1 is whole, 2 begins, 3 goes on, 4 ends), data.
"""

import importlib.util
import json
import struct
import sys
from pathlib import Path

import cloudpickle
import pytest

from stackfold.testing.contracts import experiment_tracker
from stackfold.testing.contracts.tracking_tool import SeenStep

# A step's process cannot import the tests.
cloudpickle.register_pickle_by_value(experiment_tracker)
cloudpickle.register_pickle_by_value(sys.modules[__name__])

_BLOCK, _HEADER = 32768, 7


def records(path: Path):
    """The protocol buffers in a `.wandb` file."""
    from wandb.proto import wandb_internal_pb2

    for data in _pieces(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        yield record.WhichOneof("record_type"), record


def _pieces(raw: bytes):
    assert raw[:4] == b":W&B"
    at, data = _HEADER, b""
    while at + _HEADER <= len(raw):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", raw[at : at + _HEADER])
        if not length and not kind:
            break
        piece = raw[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
        data = piece if kind in (1, 2) else data + piece
        if kind in (1, 4):
            yield data


class OfflineRun:
    """One run in its folder."""

    def __init__(self, folder: Path) -> None:
        (file,) = folder.glob("*.wandb")
        self.folder = folder
        self.run = None
        self.exit_code = None
        self.config, self.metrics, self.artifacts = {}, {}, []
        for kind, record in records(file):
            if kind == "run":
                self.run = record.run
                self._configure(record.run.config.update)
            elif kind == "config":
                self._configure(record.config.update)
            elif kind == "history":
                self._tell(record.history.item)
            elif kind == "artifact":
                self.artifacts.append(record.artifact)
            elif kind == "exit":
                self.exit_code = record.exit.exit_code
            elif kind == "request" and record.request.HasField("log_artifact"):
                self.artifacts.append(record.request.log_artifact.artifact)

    def _configure(self, items) -> None:
        for item in items:
            self.config[_key(item)] = json.loads(item.value_json)

    def _tell(self, items) -> None:
        for item in items:
            if not _key(item).startswith("_"):
                self.metrics.setdefault(_key(item), []).append(json.loads(item.value_json))

    @property
    def seen(self) -> SeenStep:
        ended = {None: "running", 0: "completed"}.get(self.exit_code, "failed")
        ids = {"run_id": self.run.run_id, "project": self.run.project, "group": self.run.run_group}
        parameters = {name: str(value) for name, value in self.config.items()}
        return SeenStep(ids, ended, parameters, self.metrics)

    def files(self, artifact) -> dict[str, bytes]:
        """Name → bytes, of what an artifact holds."""
        return {
            each.path: Path(each.local_path).read_bytes() for each in artifact.manifest.contents
        }


def _key(item) -> str:
    return item.key or "/".join(item.nested_key)


class WandbTool:
    """W&B offline, by what it wrote."""

    flavor = "wandb"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def configuration(self, **more):
        return {"mode": "offline", "folder": str(self.folder), **more}

    def runs(self, run):
        """All that belong to a run."""
        found = [OfflineRun(path) for path in sorted(self.folder.glob("wandb/offline-run-*"))]
        return [each for each in found if each.config["stackfold"]["run"] == run.id]

    def seen(self, run):
        found = {}
        for each in self.runs(run):
            assert each.run.run_group == run.name
            assert each.run.job_type == each.config["stackfold"]["step"]
            found.setdefault(each.run.job_type, []).append(each.seen)
        return found

    def _of(self, seen):
        (folder,) = self.folder.glob(f"wandb/offline-run-*-{seen.ids['run_id']}")
        return OfflineRun(folder)

    def artifact(self, seen, name):
        run = self._of(seen)
        for each in run.artifacts:
            files = run.files(each)
            inside = name.removeprefix(f"{each.name}/")
            if each.type == "artifact" and inside in files and name.startswith(each.name):
                return files[inside]
        raise AssertionError([(each.name, each.type) for each in run.artifacts])

    def models(self, seen):
        run = self._of(seen)
        return {each.name: run.files(each) for each in run.artifacts if each.type == "model"}

    def log(self, name, value):
        import wandb

        wandb.log({name: value})

    def log_parameter(self, name, value):
        import wandb

        wandb.config[name] = value

    def has_a_run(self):
        import wandb

        return wandb.run is not None


@pytest.fixture
def wandb_tool(tmp_path, monkeypatch):
    if importlib.util.find_spec("wandb") is None:
        pytest.skip("no wandb here: `make test-flavors` installs it")
    for name, value in {
        "WANDB_CACHE_DIR": str(tmp_path / "cache"),
        "WANDB_CONFIG_DIR": str(tmp_path / "config"),
        "WANDB_DATA_DIR": str(tmp_path / "data"),
        "WANDB_DISABLE_GIT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB__DISABLE_STATS": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return WandbTool(tmp_path)
