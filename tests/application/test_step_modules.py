"""In a step's own process the step's module is imported, as it is where the run was started."""

import os
import subprocess
import sys
import textwrap

import pytest

STACK = """
    from stackfold import Workspace, pipeline, step
    from stackfold.domain.stacks.component_type import ComponentType
    from stackfold.domain.errors import RunFailed

    def wide():
        with Workspace.open() as ws:
            ws.components.register(
                ComponentType.ORCHESTRATOR, "wide", "local", {"isolation": "process"}
            )
            ws.stacks.register("wide", orchestrator="wide", artifact_store="default")
"""
DOING = """
    import os
    import pickle
    from concurrent.futures import ProcessPoolExecutor
    from dataclasses import dataclass

    def square(number):
        return number * number

    @dataclass
    class Report:
        total: int
        process: int

    class Bad(Exception):
        pass

    @step(enable_cache=False)
    def total() -> Report:
        assert type(pickle.loads(pickle.dumps(Report(1, 2)))) is Report
        with ProcessPoolExecutor(2) as pool:
            return Report(sum(pool.map(square, range(5))), os.getpid())

    @step(enable_cache=False)
    def failing(report: Report) -> None:
        raise Bad(report.total)

    @pipeline
    def working():
        failing(total())
"""
TOLD = """
    if __name__ == "__main__":
        wide()
        try:
            working.run(stack="wide")
        except RunFailed as failed:
            with Workspace.open() as ws:
                report = ws.runs.load(failed.run, "total")
                (output,) = ws.runs.steps(failed.run)[0].outputs
            print(output.type, report.total, type(report) is Report, report.process != os.getpid())
            print(type(failed.__cause__) is Bad, failed.traceback)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stack.py").write_text(textwrap.dedent(STACK))
    return tmp_path


@pytest.fixture
def started(folder):
    """A function that runs a Python program in the folder, and returns what it prints."""

    def started(*arguments, **environment):
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "STACKFOLD_HOME": str(folder / "home"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return started


def write(folder, name, *texts):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(map(textwrap.dedent, ("from stack import *\n", *texts))))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "command", "module"),
    [
        ("work.py", ["work.py"], "work"),
        ("shop/work.py", ["-m", "shop.work"], "shop.work"),
        ("shop/__main__.py", ["-m", "shop"], "shop.__main__"),
    ],
    ids=["script", "module", "package"],
)
def test_pools_pickles_and_errors_work_as_inline(folder, started, file, command, module):
    path = write(folder, file, DOING, TOLD)
    told = started(*command)
    line = path.read_text().splitlines().index("    raise Bad(report.total)") + 1
    assert told.splitlines()[:4] == [
        f"{module}.Report 30 True True",
        "True Traceback (most recent call last):",
        f'  File "{path}", line {line}, in failing',
        "    raise Bad(report.total)",
    ]


@pytest.mark.slow
def test_a_file_loaded_under_a_name_that_nothing_imports_works_as_well(folder, started):
    """As pytest loads test modules in its import mode `importlib`."""
    write(folder, "work.py", DOING)
    write(
        folder,
        "load.py",
        """
        import sys
        from importlib.util import module_from_spec, spec_from_file_location
        from types import ModuleType

        if __name__ == "__main__":
            sys.modules["checks"] = ModuleType("checks")
            spec = spec_from_file_location("checks.work", "work.py")
            work = sys.modules["checks.work"] = module_from_spec(spec)
            spec.loader.exec_module(work)
            wide()
            try:
                work.working.run(stack="wide")
            except RunFailed as failed:
                print(type(failed.__cause__) is work.Bad, failed.__cause__)
        """,
    )
    assert started("load.py") == "True 30\n"


SCALED = """
    FACTOR = 1

    @step(enable_cache=False)
    def scale() -> int:
        return FACTOR

    @pipeline
    def scaling():
        scale()
"""


@pytest.mark.slow
def test_a_global_that_the_program_changed_is_what_the_step_sees(folder, started):
    write(
        folder,
        "work.py",
        SCALED,
        """
        if __name__ == "__main__":
            wide()
            FACTOR = 3
            print(scaling.run(stack="wide").load("scale"))
        """,
    )
    assert started("work.py") == "3\n"


@pytest.mark.slow
def test_a_script_without_a_guard_is_not_executed_again(folder, started):
    write(
        folder,
        "work.py",
        SCALED,
        """
        wide()
        print("once", scaling.run(stack="wide").load("scale"))
        """,
    )
    assert started("work.py") == "once 1\n"


@pytest.mark.slow
def test_what_is_printed_on_import_is_no_output_of_the_step(folder, started):
    write(
        folder,
        "work.py",
        "print('imported')\n",
        SCALED,
        """
        if __name__ == "__main__":
            wide()
            run = scaling.run(stack="wide")
            with Workspace.open() as ws:
                print([*ws.runs.logs(run.id, "scale")])
        """,
    )
    assert started("work.py") == "imported\n[]\n"
