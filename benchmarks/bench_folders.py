"""What folders and collections cost, as multiples of plain durable copies in the same run.

Prints wall time and CPU for a folder of 1,000 files of 4 kB, stored once and again, and copied
back; for a list of 1,000 arrays; and for a folder with one file of 1 GiB, with the memory that
storing and reading it takes. Also what the facts about values cost beside writing the values. A
plain copy writes the same bytes to files of the same number, each synced to disk, which is what a
store must do at least.
"""

import os
import pickle
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy
import pandas

from stackfold.application.artifacts.folders import open_folder, store_folder
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read, write
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.infrastructure.materializers import ALL, shipped
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

REPEATS = 3
MATERIALIZERS = Materializers(ALL, shipped.load, TemporaryFolder)
GIB = 2**30
_PART = 2**20


def main() -> None:
    """Measure everything, and print it."""
    if sys.argv[1:]:
        return large(Path(sys.argv[2]), sys.argv[1])
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {os.getloadavg()[0]:.0f} load"
    )
    with tempfile.TemporaryDirectory(prefix="stackfold-") as name:
        folder = Path(name)
        small_files(folder / "small")
        arrays(folder / "arrays")
        one_gib(folder / "large")
    costs_of_facts()
    return None


def store_in(folder: Path) -> LocalArtifactStore:
    return LocalArtifactStore(LocalArtifactStore.Configuration(), folder)


def durable_copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for each in sorted(source.iterdir()):
        with each.open("rb") as file, (target / each.name).open("xb") as copy:
            while part := file.read(_PART):
                copy.write(part)
            copy.flush()
            os.fsync(copy.fileno())


def timed(action: Callable[[int], object]) -> tuple[float, float]:
    """Wall and CPU, in seconds: medians of some repetitions."""
    walls, cpus = [], []
    for at in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        action(at)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def told(what: str, measured: tuple[float, float], bare: tuple[float, float]) -> None:
    ratios = [one / other for one, other in zip(measured, bare, strict=True)]
    print(
        f"{what:44} wall {measured[0] * 1000:8.0f} ms ({ratios[0]:.2f} times bare)  "
        f"CPU {measured[1] * 1000:8.0f} ms ({ratios[1]:.2f})"
    )


def small_files(place: Path) -> None:
    source = place / "source"
    source.mkdir(parents=True)
    for number in range(1000):
        (source / f"{number:04}").write_bytes(os.urandom(4096))
    bare = timed(lambda at: durable_copy(source, place / f"bare{at}"))
    told("1,000 files of 4 kB: a plain durable copy", bare, bare)
    stores = [store_in(place / f"store{at}") for at in range(REPEATS)]
    told("  stored", timed(lambda at: store_folder(stores[at], source)), bare)
    told("  stored again", timed(lambda at: store_folder(stores[at], source)), bare)
    stored = store_folder(stores[0], source).stored

    def back(at: int) -> None:
        target = place / f"back{at}"
        target.mkdir()
        open_folder(stores[0], *stored).copy_to(target)

    plain = timed(lambda at: shutil.copytree(source, place / f"plain{at}"))
    told("  copied back (bare: not synced)", timed(back), plain)
    (source / "0500").write_bytes(b"changed")
    before = sum(each.size for each in stores[0].list_artifacts())
    store_folder(stores[0], source)
    added = sum(each.size for each in stores[0].list_artifacts()) - before
    print(f"  one file changed: {added:,} more bytes stored, of 4,096,000")


def arrays(place: Path) -> None:
    values = [numpy.random.default_rng(at).normal(size=512) for at in range(1000)]
    stores = [store_in(place / f"store{at}") for at in range(REPEATS)]

    def bare_files(at: int) -> None:
        folder = place / f"bare{at}"
        folder.mkdir(parents=True)
        for number, each in enumerate(values):
            numpy.save(folder / f"{number}.npy", each)
        durable_copy(folder, place / f"durable{at}")

    def pickled(at: int) -> None:
        with stores[at].create() as file:
            file.write(pickle.dumps(values))

    bare = timed(bare_files)
    told("1,000 arrays of 4 kB: saved, durable copies", bare, bare)
    told("  as one pickle, which is not safe", timed(pickled), bare)
    told("  stored", timed(lambda at: write("o", values, stores[at], MATERIALIZERS)), bare)
    artifact = write("o", values, stores[0], MATERIALIZERS)
    told("  read", timed(lambda at: read(artifact, stores[0], MATERIALIZERS)), bare)


def one_gib(place: Path) -> None:
    source = place / "source"
    source.mkdir(parents=True)
    block = os.urandom(2**24)
    with (source / "large.bin").open("xb") as file:
        for _ in range(GIB // len(block)):
            file.write(block)
    for action in ("bare", "store", "read"):
        command = [sys.executable, __file__, action, str(place)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


def large(place: Path, action: str) -> None:
    """One action with the file of 1 GiB, in a process of its own."""
    store = store_in(place / "store")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    if action == "bare":
        durable_copy(place / "source", place / "bare")
    elif action == "store":
        stored = store_folder(store, place / "source").stored
        (place / "stored").write_text("\n".join(map(str, stored)))
    else:
        uri, digest, size = (place / "stored").read_text().splitlines()
        (place / "back").mkdir()
        open_folder(store, uri, digest, int(size)).copy_to(place / "back")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"1 GiB, {action:6} wall {wall:6.1f} s, CPU {cpu:5.1f} s, {more:.0f} MiB more memory")


def costs_of_facts() -> None:
    numbers = numpy.random.default_rng(0)
    values = {
        "array of 1,000 numbers": numbers.normal(size=1000),
        "frame of 1,000 × 5": pandas.DataFrame(numbers.normal(size=(1000, 5)), columns=[*"abcde"]),
        "frame of 50,000 × 20": pandas.DataFrame(
            numbers.normal(size=(50_000, 20)), columns=[f"c{at}" for at in range(20)]
        ),
        "a dictionary": {"a": 1},
    }
    with tempfile.TemporaryDirectory(prefix="stackfold-") as name:
        store = store_in(Path(name))
        for what, value in values.items():
            times = max(1, int(0.05 / (timed(lambda _, v=value: facts(v))[0] + 1e-6)))
            cost = timed(lambda _, v=value, n=times: [facts(v) for _ in range(n)])[1] / times
            writing = timed(lambda _, v=value: write("o", v, store, MATERIALIZERS))[1]
            print(
                f"facts of {what:24} {cost * 1e6:8.0f} µs, of {writing * 1e6:8.0f} µs to write it"
            )


if __name__ == "__main__":
    main()
