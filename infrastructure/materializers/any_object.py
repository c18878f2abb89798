"""Any other object, by cloudpickle: reading it executes what the store holds."""

import importlib
import pickle
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, Versions, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.system import environment

_NO_LIBRARY = sys.stdlib_module_names | {"__main__", "__mp_main__", "cloudpickle"}


class CloudpickleMaterializer(Materializer):
    """Writes any other object. Reading it requires trust in everyone who can write to the store."""

    name = "cloudpickle"
    executes = True

    def prepare(self, value: object) -> WriteValue | None:
        # Imported late: it takes 20 ms, which pipelines of plain values need not spend.
        import cloudpickle

        class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
            """Records the modules of the classes of all pickled objects."""

            modules: set[str]

            def reducer_override(self, obj: Any) -> Any:
                self.modules.add(type(obj).__module__)
                return super().reducer_override(obj)

        def write(file: ArtifactWriter) -> Versions:
            pickler = Pickler(file)
            pickler.modules = set()
            pickler.dump(value)
            return _versions(pickler.modules)

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return pickle.load(file)  # noqa: S301  # the digest was checked; the artifact names this

    def installed_versions(self, versions: Versions) -> Mapping[str, str | None]:
        return {
            name: environment.python() if name == "python" else _version_here(name)
            for name in versions
        }


def _versions(modules: set[str]) -> Versions:
    """Return the versions of Python and of the libraries that modules belong to."""
    libraries = {module.partition(".")[0] for module in modules} - _NO_LIBRARY
    found = {name: version for name in sorted(libraries) if (version := _version(name))}
    return {"python": environment.python(), **found}


def _version(library: str) -> str:
    declared = getattr(sys.modules.get(library), "__version__", None)
    return declared if isinstance(declared, str) else environment.version(library)


def _version_here(library: str) -> str | None:
    try:
        # Unpickling imports it anyway.
        importlib.import_module(library)
    except ImportError:
        return None
    return _version(library) or None
