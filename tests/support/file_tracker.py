"""An experiment tracker that writes files, as somebody else would write one."""

import json
import os
import shutil
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

from stackfold.flavors import Configuration, ExperimentTracker
from stackfold.testing import SeenStep

current = ContextVar("current", default=None)


class FileTracker(ExperimentTracker):
    """A folder per attempt of a step."""

    flavor = "files"

    class Configuration(Configuration):
        folder: str

    def begin_run(self, run, known):
        return known or {"run": run.id}

    def end_run(self, ids, status):
        pass

    @contextmanager
    def track(self, step, on_unavailable):
        folder = Path(self.configuration.folder) / step.run.id / step.name / uuid4().hex
        folder.mkdir(parents=True)
        record = FileRecord(folder)
        record.log_parameters(step.parameters)
        token = current.set(folder) if step.native else None
        try:
            yield record
        except BaseException:
            write(folder, "ended", "failed")
            raise
        else:
            write(folder, "ended", "completed")
        finally:
            if token:
                current.reset(token)


class FileRecord:
    def __init__(self, folder):
        self.folder = folder
        self.ids = {"attempt": folder.name}

    def log_metrics(self, metrics, step):
        for name, value in metrics.items():
            write(self.folder, "metric", [name, value])

    def log_parameters(self, parameters):
        for name, value in parameters.items():
            write(self.folder, "parameter", [name, str(value)])

    def log_artifact(self, path, name):
        copy(path, self.folder / "artifacts" / name)

    def log_model(self, path, name):
        copy(path, self.folder / "models" / name)


def write(folder, kind, value):
    with (folder / "lines").open("a") as file:
        file.write(json.dumps([kind, value]) + "\n")


def copy(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copy)(path, target)


class Files:
    flavor = "files"

    def __init__(self, folder):
        self.folder = folder

    def configuration(self):
        return {"folder": str(self.folder)}

    def seen(self, run):
        return {
            step.name: [self.attempt(each) for each in sorted(step.iterdir(), key=os.path.getmtime)]
            for step in sorted((self.folder / run.id).glob("*"))
        }

    def attempt(self, folder):
        lines = [json.loads(line) for line in (folder / "lines").read_text().splitlines()]
        ended = [value for kind, value in lines if kind == "ended"] or ["running"]
        metrics = {}
        for kind, value in lines:
            if kind == "metric":
                metrics.setdefault(value[0], []).append(value[1])
        parameters = dict(value for kind, value in lines if kind == "parameter")
        return SeenStep({"attempt": folder.name}, ended[0], parameters, metrics)

    def found(self, seen):
        (folder,) = self.folder.glob(f"*/*/{seen.ids['attempt']}")
        return folder

    def artifact(self, seen, name):
        return (self.found(seen) / "artifacts" / name).read_bytes()

    def models(self, seen):
        return {
            model.name: {each.name: each.read_bytes() for each in model.iterdir()}
            for model in (self.found(seen) / "models").iterdir()
        }

    def log(self, name, value):
        write(current.get(), "metric", [name, value])

    def log_parameter(self, name, value):
        write(current.get(), "parameter", [name, value])

    def has_a_run(self):
        return current.get() is not None
