"""An experiment tracker that writes into a file; only tests have it."""

import json
from contextlib import contextmanager
from pathlib import Path

from stackfold.application import ports
from stackfold.application.ports import ExperimentTracker, Secret
from stackfold.domain.errors import TrackerUnavailable


class Notebook(ExperimentTracker):
    """Keeps a line for all that it is told, in a file; unavailable while a file `away` is there."""

    flavor = "notebook"

    class Configuration(ports.Configuration):
        folder: str
        strict: bool = False
        password: Secret | None = None

    @property
    def strict(self):
        return self.configuration.strict

    def begin_run(self, run, known):
        self.write("begin", run.name, parameters=dict(run.parameters), known=known)
        return known or {"page": run.name}

    def end_run(self, ids, status):
        self.write("end", ids["page"], status=status)

    @contextmanager
    def track(self, step, on_unavailable):
        self.write("open", step.name, native=step.native, above=step.ids)
        try:
            yield Page(self, step.name)
        except BaseException as error:
            self.write("close", step.name, error=type(error).__name__)
            raise
        self.write("close", step.name)

    def write(self, what, name, **told):
        folder = Path(self.configuration.folder)
        if (folder / "away").exists():
            raise TrackerUnavailable("the notebook", "it is at home")
        with (folder / "lines").open("a") as file:
            file.write(json.dumps([what, name, told]) + "\n")


class Page:
    """What is written of a step."""

    def __init__(self, notebook, step):
        self.notebook, self.step = notebook, step
        self.ids = {"page": step}

    def log_metrics(self, metrics, step):
        self.notebook.write("metrics", self.step, **metrics)

    def log_parameters(self, parameters):
        self.notebook.write("parameters", self.step, **parameters)

    def log_artifact(self, path, name):
        self.notebook.write("artifact", self.step, name=name)

    def log_model(self, path, name):
        self.notebook.write("model", self.step, name=name)
