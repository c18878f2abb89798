"""Values are stored the way their users or their packages say, and pickles with care."""

import importlib.metadata
import io
import pickle
import subprocess
import sys
import types
import warnings

import pytest
from round_trip import MATERIALIZERS

from stackfold.application.artifacts import own_materializers as registry
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.own_materializers import materializer
from stackfold.application.artifacts.values import read, write
from stackfold.domain.errors import (
    ArtifactDamaged,
    InvalidMaterializer,
    PickleForbidden,
    VersionsDiffer,
)
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.infrastructure.materializers import ALL, shipped
from stackfold.infrastructure.system import environment


class Drawing:
    def __init__(self, shape):
        self.shape = shape

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Sketch(Drawing):
    pass


class AsSvg:
    def write(self, drawing, file):
        file.write(f"<svg>{drawing.shape}</svg>".encode())

    def read(self, file):
        return Drawing(file.read().decode().removeprefix("<svg>").removesuffix("</svg>"))


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    monkeypatch.setattr(registry, "REGISTERED", {})


@pytest.fixture
def store(tmp_path):
    return LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)


def round_trip(store, value, materializers=MATERIALIZERS):
    artifact = write("output", value, store, materializers)
    return artifact, read(artifact, store, materializers)


def stored(store, artifact):
    with store.open(artifact.uri, artifact.digest) as file:
        return file.read()


# -- by decorator


def test_a_decorated_class_stores_the_values_of_its_type(store):
    assert materializer(for_type=Drawing, name="svg")(AsSvg) is AsSvg
    artifact, back = round_trip(store, Drawing("circle"))
    assert (artifact.materializer, back) == ("svg", Drawing("circle"))
    assert stored(store, artifact) == b"<svg>circle</svg>"


def test_its_name_is_its_own_unless_it_is_given_one(store):
    materializer(for_type=Drawing)(AsSvg)
    artifact, _ = round_trip(store, Drawing("circle"))
    assert artifact.materializer == f"{__name__}.AsSvg"


def test_a_subclass_is_stored_like_its_base_unless_it_has_its_own_way(store):
    materializer(for_type=(Drawing, list), name="svg")(AsSvg)
    assert round_trip(store, Sketch("circle"))[0].materializer == "svg"
    materializer(for_type=Sketch, name="pencil")(type("AsLines", (AsSvg,), {}))
    assert round_trip(store, Sketch("circle"))[0].materializer == "pencil"
    assert round_trip(store, Drawing("circle"))[0].materializer == "svg"


def test_it_goes_before_the_built_in_ones(store):
    class AsText:
        def write(self, value, file):
            file.write(repr(value).encode())

        def read(self, file):
            return eval(file.read())

    materializer(for_type=dict, name="text")(AsText)
    artifact, back = round_trip(store, {"a": 1})
    assert (artifact.materializer, stored(store, artifact), back) == ("text", b"{'a': 1}", {"a": 1})


def test_a_class_that_cannot_write_or_read_is_refused():
    for missing in ("write", "read"):
        broken = type("Broken", (), {n: AsSvg.__dict__[n] for n in {"write", "read"} - {missing}})
        with pytest.raises(InvalidMaterializer, match=f"has no method '{missing}'"):
            materializer(for_type=Drawing)(broken)


@pytest.mark.parametrize("name", ["json", "cloudpickle"])
def test_the_name_of_a_built_in_one_is_refused(store, name):
    materializer(for_type=Drawing, name=name)(AsSvg)
    with pytest.raises(InvalidMaterializer, match=rf"{name} cannot .* has this name"):
        write("output", Drawing("circle"), store, MATERIALIZERS)


def test_what_was_written_by_one_that_is_not_here_is_refused(store, monkeypatch):
    materializer(for_type=Drawing, name="svg")(AsSvg)
    artifact = write("output", Drawing("circle"), store, MATERIALIZERS)
    monkeypatch.setattr(registry, "REGISTERED", {})
    with pytest.raises(ArtifactDamaged, match="'svg', which is not available: import the module"):
        read(artifact, store, MATERIALIZERS)


def test_it_travels_to_another_process(monkeypatch):
    materializer(for_type=Drawing, name="svg")(AsSvg)
    carried = pickle.dumps(MATERIALIZERS)
    monkeypatch.setattr(registry, "REGISTERED", {})
    there = pickle.loads(carried)
    assert there.prepare(Drawing("circle"))[0].name == "svg"


# -- by entry point


@pytest.fixture
def package(monkeypatch):
    """An installed package that ships a way to store the classes of the module `acme`."""
    imported = []

    def load(module):
        imported.append(module)
        if module in ("acme", None):
            materializer(for_type=acme.Part, name="acme-part")(AsSvg)

    acme = types.ModuleType("acme")
    acme.Part = type("Part", (Drawing,), {"__module__": "acme.parts"})
    return acme, imported, Materializers(ALL, load)


def test_what_a_package_ships_is_imported_for_its_own_classes_only(package, store):
    acme, imported, materializers = package
    for plain in (1, "a", [None], b"b", {"a": (1.5,)}):
        round_trip(store, plain, materializers)
    assert imported == []
    assert write("output", acme.Part("x"), store, materializers).materializer == "acme-part"
    assert imported.count("acme") == 1
    write("output", acme.Part("y"), store, materializers)
    assert imported.count("acme") == 1


def test_what_a_package_ships_is_imported_to_read(package, store, monkeypatch):
    acme, imported, materializers = package
    artifact = write("output", acme.Part("x"), store, materializers)
    monkeypatch.setattr(registry, "REGISTERED", {})
    fresh = Materializers(ALL, materializers._load_provided)
    assert read(artifact, store, fresh).shape == "x"
    assert imported[-1] == "acme"
    monkeypatch.setattr(registry, "REGISTERED", {})
    elsewhere = artifact.model_copy(update={"type": "other.Part"})
    assert read(elsewhere, store, Materializers(ALL, materializers._load_provided)).shape == "x"


def entry_point(monkeypatch, value):
    point = importlib.metadata.EntryPoint("acme", value, shipped.ENTRY_POINTS)
    monkeypatch.setattr(shipped, "_shipped", lambda: [point])


def test_an_entry_point_names_the_module_to_import(monkeypatch, tmp_path):
    (tmp_path / "acme_formats.py").write_text("loaded = True")
    monkeypatch.syspath_prepend(tmp_path)
    entry_point(monkeypatch, "acme_formats")
    shipped.load("other")
    assert "acme_formats" not in sys.modules
    shipped.load("acme")
    assert sys.modules.pop("acme_formats").loaded


def test_an_entry_point_that_cannot_be_imported_is_named(monkeypatch):
    entry_point(monkeypatch, "acme_missing")
    with pytest.raises(InvalidMaterializer, match=r"acme_missing cannot .* No module named"):
        shipped.load(None)


# -- pickles


def test_a_pickle_says_what_it_was_written_with(store):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    artifact, back = round_trip(store, model)
    assert artifact.materializer == "cloudpickle"
    assert artifact.versions["python"] == environment.python()
    assert artifact.versions["sklearn"] == environment.version("scikit-learn")
    assert artifact.versions["numpy"] == environment.version("numpy")
    assert round(float(back.predict([[2.0]])[0]), 6) == 5.0


def test_what_needs_no_version_says_none(store):
    assert round_trip(store, {"a": [1]})[0].versions == {}
    assert set(round_trip(store, Drawing("circle"))[0].versions) == {"python"}


def written_with(store, value, **versions):
    artifact = write("output", value, store, MATERIALIZERS)
    return artifact.model_copy(update={"versions": {**artifact.versions, **versions}})


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"python": "3.9.2"}, "python 3.9.2 (here {python})"),
        ({"sklearn": "0.1"}, "sklearn 0.1 (here {sklearn})"),
    ],
)
def test_other_versions_than_those_here_are_told_when_it_is_read(store, versions, told):
    from sklearn.linear_model import LinearRegression

    artifact = written_with(store, LinearRegression(), **versions)
    here = {"python": environment.python(), "sklearn": environment.version("scikit-learn")}
    with pytest.warns(VersionsDiffer) as caught:
        read(artifact, store, MATERIALIZERS)
    (warning,) = caught
    assert f"was written with {told.format(**here)}: it may fail" in str(warning.message)
    assert "\n" not in str(warning.message)


def test_another_patch_of_the_same_python_is_not_worth_a_warning(store):
    major, minor, _ = environment.python().split(".")
    artifact = written_with(store, Drawing("circle"), python=f"{major}.{minor}.99")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(artifact, store, MATERIALIZERS) == Drawing("circle")


def test_a_library_that_is_missing_is_named(store):
    artifact = written_with(store, Drawing("circle"), acme="1.0")
    with pytest.raises(ArtifactDamaged, match=r"needs acme 1\.0, and acme is not installed"):
        read(artifact, store, MATERIALIZERS)


def test_pickles_can_be_refused(store):
    artifact = write("output", Drawing("circle"), store, MATERIALIZERS)
    careful = MATERIALIZERS.without_pickles()
    with pytest.raises(PickleForbidden, match="is a pickle, and this store allows no pickles"):
        read(artifact, store, careful)
    with pytest.raises(PickleForbidden, match=r"Drawing can only be stored as a pickle"):
        write("output", Drawing("circle"), store, careful)
    assert round_trip(store, {"a": 1}, careful)[1] == {"a": 1}


def test_pickles_stay_refused_in_another_process(store):
    careful = pickle.loads(pickle.dumps(MATERIALIZERS.without_pickles()))
    with pytest.raises(PickleForbidden):
        careful.prepare(Drawing("circle"))


# -- nothing that is not used is imported


def test_a_value_of_a_library_imports_no_other_library():
    program = (
        "import io, sys\n"
        "import numpy\n"
        "from stackfold.application.artifacts.materializers import Materializers\n"
        "from stackfold.infrastructure.materializers import ALL, shipped\n"
        "Materializers(ALL, shipped.load).prepare(numpy.ones(3))[1](io.BytesIO())\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"pandas", "polars", "pyarrow", "PIL", "matplotlib", "plotly", "sklearn", "cloudpickle"}
    assert not heavy & set(loaded)


def test_a_decorated_class_needs_no_more_than_a_file_that_can_be_written(store):
    class Careless:
        def write(self, value, file):
            assert isinstance(file.write(b"12"), int)

        def read(self, file):
            assert isinstance(file, io.IOBase)
            return Drawing(file.read())

    materializer(for_type=Drawing, name="careless")(Careless)
    assert round_trip(store, Drawing("x"))[1] == Drawing(b"12")


# -- classes of a script


SCRIPT = """
from dataclasses import dataclass
from stackfold import Workspace, pipeline, step

@dataclass
class Report:
    rows: int

@step(enable_cache=False, step_operator={operator})
def make() -> Report:
    return Report(3)

@step
def take(report: Report) -> Report:
    return Report(report.rows + 1)

@pipeline
def reporting():
    take(make())

if __name__ == "__main__":
    with Workspace.open() as ws:
        if {operator}:
            ws.components.register("step_operator", "far", "local")
            ws.stacks.register(
                "both", orchestrator="default", artifact_store="default", step_operator="far"
            )
            ws.stacks.activate("both")
    assert type(reporting().load("take")) is Report
"""
READER = """
import reporting
from stackfold import Workspace

with Workspace.open() as ws:
    assert ws.artifacts.load("reporting/take") == reporting.Report(4)
    print(ws.artifacts.describe("reporting/make").type)
"""


@pytest.mark.slow
@pytest.mark.parametrize("operator", [False, True])
def test_what_a_script_wrote_is_read_by_a_program_that_imports_it(tmp_path, operator):
    (tmp_path / "reporting.py").write_text(SCRIPT.format(operator=operator))
    (tmp_path / "reader.py").write_text(READER)
    environment = {"PYTHONPATH": ":".join(sys.path), "STACKFOLD_HOME": str(tmp_path / "home")}
    for script in ("reporting.py", "reader.py"):
        done = subprocess.run(
            [sys.executable, script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout == "reporting.Report\n"
