"""What every experiment tracker must do: what runs log is read back from the tool."""

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackfold.application.runs.context import get_context
from stackfold.application.runs.run_views import RunDescription
from stackfold.domain.errors import RunFailed, StepProcessDied
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, TrackingTool, ids_of, the_only

PLACES = ["inline", "thread", "process", "operator"]
MANY = 25


class ExperimentTrackerContract:
    """Derive a class whose name begins with `Test`, and override the fixture `tool`."""

    @pytest.fixture
    def tool(self) -> TrackingTool:
        """The tool, and how to configure it."""
        raise NotImplementedError("override the fixture 'tool'")

    @pytest.fixture
    def ws(self, tmp_path: Path, tool: TrackingTool) -> Iterator[Workspace]:
        """A workspace with a stack for each executor of steps."""
        with Workspace.open(tmp_path / "home") as workspace:
            self.prepare(workspace)
            workspace.components.register(TRACKER, "tracking", tool.flavor, tool.configuration())
            workspace.components.register(ComponentType.STEP_OPERATOR, "apart", "local")
            for isolation in ("inline", "thread", "process"):
                orchestrator = {"isolation": isolation, "max_parallel": 3}
                workspace.components.register(
                    ComponentType.ORCHESTRATOR, isolation, "local", orchestrator
                )
            for place in PLACES:
                workspace.stacks.register(
                    place,
                    orchestrator="inline" if place == "operator" else place,
                    artifact_store="default",
                    step_operator=["apart"] if place == "operator" else [],
                    experiment_tracker=["tracking"],
                )
            yield workspace

    def prepare(self, workspace: Workspace) -> None:
        """Register the flavor, and create the secrets that its configuration refers to.

        Args:
            workspace: The workspace of the test.
        """

    def run(
        self, ws: Workspace, *functions: Callable[..., Any], place: str = "inline", **options: Any
    ) -> RunDescription:
        """Run independent steps, and return the recorded run.

        Args:
            ws: The workspace.
            functions: The functions of the steps.
            place: Where they run: "inline", "thread", "process" or "operator".
            options: Options of the steps.
        """
        options = {"enable_cache": False, **options}
        if place == "operator":
            options["step_operator"] = True
        steps = [step(**options)(function) for function in functions]

        @Pipeline
        def tracked(rate: float = 0.5) -> None:
            for each in steps:
                each()

        return ws.runs.describe(ws.runs.start(tracked, stack=place).id)

    # -- by way of the context

    @pytest.mark.parametrize("place", PLACES)
    def test_what_a_step_logs_by_its_context_is_tracked(
        self, ws: Workspace, tool: TrackingTool, place: str
    ) -> None:
        def train(depth: int = 3) -> int:
            tracker = get_context().tracker
            for epoch in range(4):
                tracker.log_metrics({"loss": 1 / (1 + epoch)}, step=epoch)
            tracker.log_metrics({"accuracy": 0.75})
            tracker.log_parameters({"solver": "saga"})
            return depth

        run = self.run(ws, train, place=place)
        seen = the_only(tool.seen(run), "train")
        assert seen.ended == "completed"
        assert seen.metrics["loss"] == [1.0, 1 / 2, 1 / 3, 1 / 4]
        assert seen.metrics["accuracy"] == [0.75]
        assert seen.parameters["depth"] == "3"
        assert seen.parameters["solver"] == "saga"
        (recorded,) = run.steps
        assert recorded.metadata["metrics"] == {"loss": 1 / 4, "accuracy": 0.75}
        assert recorded.metadata["parameters"] == {"solver": "saga"}

    def test_the_ids_of_run_and_step_are_recorded(self, ws: Workspace, tool: TrackingTool) -> None:
        def train() -> int:
            get_context().tracker.log_metrics({"x": 1})
            return 1

        run = self.run(ws, train)
        (recorded,) = run.steps
        seen = the_only(tool.seen(run), "train")
        assert seen.ids.items() <= ids_of(recorded).items()
        assert ids_of(run)

    def test_files_and_folders_are_uploaded(
        self, ws: Workspace, tool: TrackingTool, tmp_path: Path
    ) -> None:
        (tmp_path / "report.txt").write_text("fine")
        (tmp_path / "plots").mkdir()
        (tmp_path / "plots" / "roc.svg").write_text("<svg/>")

        def report() -> int:
            tracker = get_context().tracker
            tracker.log_artifact(tmp_path / "report.txt")
            tracker.log_artifact(tmp_path / "report.txt", "other.txt")
            tracker.log_artifact(tmp_path / "plots")
            return 1

        seen = the_only(tool.seen(self.run(ws, report)), "report")
        assert tool.artifact(seen, "report.txt") == b"fine"
        assert tool.artifact(seen, "other.txt") == b"fine"
        assert tool.artifact(seen, "plots/roc.svg") == b"<svg/>"

    def test_models_are_uploaded(self, ws: Workspace, tool: TrackingTool, tmp_path: Path) -> None:
        (tmp_path / "small").mkdir()
        (tmp_path / "small" / "weights").write_bytes(b"\x00\x01")

        def train() -> int:
            get_context().tracker.log_model(tmp_path / "small", "small")
            return 1

        seen = the_only(tool.seen(self.run(ws, train)), "train")
        assert tool.models(seen) == {"small": {"weights": b"\x00\x01"}}

    def test_a_step_that_logs_nothing_is_not_tracked(
        self, ws: Workspace, tool: TrackingTool
    ) -> None:
        def load() -> int:
            return 1

        def train() -> int:
            get_context().tracker.log_metrics({"x": 1})
            return 1

        run = self.run(ws, load, train)
        assert [*tool.seen(run)] == ["train"]
        assert "experiment_tracker" not in run.steps[0].metadata

    def test_a_step_can_be_left_out(self, ws: Workspace, tool: TrackingTool) -> None:
        def train() -> int:
            get_context().tracker.log_metrics({"x": 1})
            return 1

        run = self.run(ws, train, experiment_tracker=False)
        assert tool.seen(run) == {}
        assert run.steps[0].metadata == {"metrics": {"x": 1.0}}

    def test_a_thread_of_a_step_can_use_its_context(
        self, ws: Workspace, tool: TrackingTool
    ) -> None:
        def train() -> int:
            tracker = get_context().tracker
            threads = [
                threading.Thread(target=tracker.log_metrics, args=({f"m{number}": number},))
                for number in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return 1

        seen = the_only(tool.seen(self.run(ws, train)), "train")
        assert seen.metrics == {f"m{number}": [number] for number in range(8)}

    # -- by the tool's functions

    @pytest.mark.parametrize("place", PLACES)
    def test_the_tools_functions_log_to_the_step(
        self, ws: Workspace, tool: TrackingTool, place: str
    ) -> None:
        def train(depth: int = 3) -> int:
            tool.log("loss", 0.5)
            tool.log_parameter("own", "yes")
            get_context().tracker.log_metrics({"accuracy": 0.75})
            return depth

        run = self.run(ws, train, place=place, experiment_tracker=True)
        seen = the_only(tool.seen(run), "train")
        assert (seen.metrics["loss"], seen.metrics["accuracy"]) == ([0.5], [0.75])
        assert (seen.parameters["own"], seen.parameters["depth"]) == ("yes", "3")
        assert seen.ended == "completed"
        assert seen.ids.items() <= ids_of(run.steps[0]).items()

    @pytest.mark.parametrize("place", ["thread", "process"])
    def test_parallel_steps_are_not_mixed_up(
        self, ws: Workspace, tool: TrackingTool, tmp_path: Path, place: str
    ) -> None:
        together = 3

        def tell(mine: int) -> None:
            # Each one waits until all have begun, so that they log at the same time.
            (tmp_path / str(mine)).touch()
            end = time.monotonic() + 60
            while sum((tmp_path / str(each)).exists() for each in range(together)) < together:
                assert time.monotonic() < end
                time.sleep(0.01)
            for number in range(MANY):
                tool.log("mine", mine * 1000 + number)

        def first() -> int:
            tell(0)
            return 0

        def second() -> int:
            tell(1)
            return 1

        def third() -> int:
            tell(2)
            return 2

        run = self.run(ws, first, second, third, place=place, experiment_tracker=True)
        found = tool.seen(run)
        for mine, name in enumerate(["first", "second", "third"]):
            told = [mine * 1000 + number for number in range(MANY)]
            assert sorted(the_only(found, name).metrics["mine"]) == told

    def test_a_step_with_a_time_limit_is_tracked_too(
        self, ws: Workspace, tool: TrackingTool
    ) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            return 1

        # In threads of the orchestrator another thread enforces the limit.
        run = self.run(ws, train, train, place="thread", experiment_tracker=True, timeout=60)
        assert {name: len(tries) for name, tries in tool.seen(run).items()} == {
            "train": 1,
            "train_2": 1,
        }

    @pytest.mark.parametrize("place", ["inline", "thread"])
    def test_the_process_is_as_it_was_before(
        self, ws: Workspace, tool: TrackingTool, place: str
    ) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            assert tool.has_a_run()
            return 1

        def other() -> int:
            get_context().tracker.log_metrics({"x": 1})
            return 1

        before = dict(os.environ)
        self.run(ws, train, train, place=place, experiment_tracker=True)
        self.run(ws, other, place=place)
        assert not tool.has_a_run()
        assert dict(os.environ) == before

    # -- steps that fail

    @pytest.mark.parametrize("place", ["inline", "operator"])
    def test_a_failed_step_is_failed_in_the_tool(
        self, ws: Workspace, tool: TrackingTool, place: str
    ) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            raise ValueError("no")

        with pytest.raises(RunFailed, match="ValueError: no"):
            self.run(ws, train, place=place, experiment_tracker=True)
        run = ws.runs.describe(ws.runs.list()[0].id)
        seen = the_only(tool.seen(run), "train")
        assert (seen.ended, seen.metrics) == ("failed", {"loss": [0.5]})
        assert seen.ids.items() <= ids_of(run.steps[0]).items()

    def test_each_attempt_of_a_step_is_tracked(
        self, ws: Workspace, tool: TrackingTool, tmp_path: Path
    ) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            if not (tmp_path / "tried").exists():
                (tmp_path / "tried").touch()
                raise ValueError("not yet")
            return 1

        run = self.run(ws, train, experiment_tracker=True, retries=1)
        failed, completed = sorted(tool.seen(run)["train"], key=lambda seen: seen.ended != "failed")
        assert (failed.ended, completed.ended) == ("failed", "completed")
        assert completed.ids.items() <= ids_of(run.steps[0]).items()

    def test_a_step_that_is_killed_does_no_harm(self, ws: Workspace, tool: TrackingTool) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            os.kill(os.getpid(), 9)
            return 1

        with pytest.raises(RunFailed) as caught:
            self.run(ws, train, place="operator", experiment_tracker=True)
        assert isinstance(caught.value.__cause__, StepProcessDied)
        assert ws.runs.list()[0].status == "failed"

    # -- trackers

    def test_a_cached_step_logs_nothing_again(self, ws: Workspace, tool: TrackingTool) -> None:
        def train() -> int:
            tool.log("loss", 0.5)
            return 1

        first = self.run(ws, train, experiment_tracker=True, enable_cache=True)
        second = self.run(ws, train, experiment_tracker=True, enable_cache=True)
        assert second.steps[0].status == "cached"
        assert tool.seen(second) == {}
        assert ids_of(second.steps[0]) == ids_of(first.steps[0])

    def test_a_step_takes_the_tracker_that_it_names(
        self, ws: Workspace, tool: TrackingTool
    ) -> None:
        ws.components.register(TRACKER, "other", tool.flavor, tool.configuration())
        ws.stacks.register(
            "both",
            orchestrator="default",
            artifact_store="default",
            experiment_tracker=["tracking", "other"],
        )

        def train() -> int:
            tool.log("loss", 0.5)
            return 1

        there = step(experiment_tracker="other", enable_cache=False)(train)
        usual = step(name="usual", experiment_tracker=True, enable_cache=False)(train)

        @Pipeline
        def tracked() -> None:
            there()
            usual()

        run = ws.runs.describe(ws.runs.start(tracked, stack="both").id)
        assert [*run.metadata["experiment_tracker"]] == ["other", "tracking"]
        assert [[*each.metadata["experiment_tracker"]] for each in run.steps] == [
            ["other"],
            ["tracking"],
        ]

    def test_it_can_be_sent_to_another_process(self, ws: Workspace, tool: TrackingTool) -> None:
        found = ws.flavors.build(TRACKER, tool.flavor, tool.configuration())
        again = pickle.loads(pickle.dumps(found))
        assert again.configuration == found.configuration
