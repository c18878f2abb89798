"""What every step operator must do."""

import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from stackfold.application.ports import StepOperator
from stackfold.domain.errors import StackfoldError, StepProcessDied, StepTimedOut

TIMEOUT = 5
"""Seconds in which a process begins with a call, on a busy machine too."""


class StepOperatorContract:
    """Derive a class whose name begins with `Test`, and override the fixture `operator`."""

    @pytest.fixture
    def operator(self) -> StepOperator:
        """A step operator that is ready."""
        raise NotImplementedError("override the fixture 'operator'")

    def test_it_returns_what_the_call_returned(self, operator: StepOperator) -> None:
        assert operator.execute(lambda: (1, "two", [3.0])) == (1, "two", [3.0])

    def test_the_call_may_carry_what_it_needs(self, operator: StepOperator) -> None:
        data = b"x" * 2**22

        class Doubling:
            def __call__(self) -> bytes:
                return data + data

        assert operator.execute(Doubling()) == data + data

    def test_the_call_is_executed_elsewhere(self, operator: StepOperator) -> None:
        assert operator.execute(os.getpid) != os.getpid()

    def test_each_call_has_a_new_process(self, operator: StepOperator) -> None:
        def count() -> Any:
            import math

            calls = getattr(math, "calls", 0) + 1
            setattr(math, "calls", calls)  # noqa: B010  # it has no such attribute
            return calls

        assert [operator.execute(count), operator.execute(count)] == [1, 1]

    def test_the_error_of_a_call_is_raised(self, operator: StepOperator) -> None:
        def fail() -> None:
            raise KeyError("missing", 3)

        with pytest.raises(KeyError) as caught:
            operator.execute(fail)
        assert caught.value.args == ("missing", 3)

    def test_the_remote_traceback_is_the_last_note(self, operator: StepOperator) -> None:
        def inner() -> None:
            raise ZeroDivisionError("division by zero")

        def fail() -> None:
            inner()

        with pytest.raises(ZeroDivisionError) as caught:
            operator.execute(fail)
        note = caught.value.__notes__[-1]
        lines = note.splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert ", in fail" in lines[1]  # only the frames of the call
        assert ", in inner" in note
        assert lines[-1] == "ZeroDivisionError: division by zero"

    def test_an_error_keeps_its_notes(self, operator: StepOperator) -> None:
        def fail() -> None:
            error = ValueError("bad")
            error.add_note("look here")
            raise error

        with pytest.raises(ValueError, match="bad") as caught:
            operator.execute(fail)
        assert caught.value.__notes__[0] == "look here"

    def test_an_error_that_cannot_be_pickled_is_replaced(self, operator: StepOperator) -> None:
        def fail() -> None:
            class Stubborn(Exception):
                def __init__(self, one: int, two: int) -> None:
                    super().__init__(f"{one} and {two}")

            raise Stubborn(1, 2)

        with pytest.raises(RuntimeError, match="Stubborn: 1 and 2") as caught:
            operator.execute(fail)
        assert "in fail" in caught.value.__notes__[-1]

    def test_a_result_that_cannot_be_pickled_is_an_error(self, operator: StepOperator) -> None:
        def lock() -> object:
            import threading

            return threading.Lock()

        with pytest.raises(TypeError, match="cannot pickle"):
            operator.execute(lock)

    def test_a_call_that_cannot_be_pickled_is_rejected(self, operator: StepOperator) -> None:
        lock = threading.Lock()
        with pytest.raises(StackfoldError, match="cannot be sent to another process: ") as caught:
            operator.execute(lambda: lock)
        assert "\n" not in str(caught.value)

    def test_a_call_that_exits_raises_system_exit(self, operator: StepOperator) -> None:
        def leave() -> None:
            raise SystemExit(3)

        with pytest.raises(SystemExit) as caught:
            operator.execute(leave)
        assert caught.value.code == 3

    def test_a_process_that_is_killed_has_died(self, operator: StepOperator) -> None:
        def die() -> None:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(StepProcessDied) as caught:
            operator.execute(die)
        assert caught.value.returncode == -signal.SIGKILL

    @pytest.mark.parametrize("code", [0, 7])
    def test_a_process_that_leaves_without_an_answer_has_died(
        self, operator: StepOperator, code: int
    ) -> None:
        with pytest.raises(StepProcessDied, match=f"exit code {code} and no result"):
            operator.execute(lambda: os._exit(code))

    def test_it_can_be_used_again_after_a_failure(self, operator: StepOperator) -> None:
        with pytest.raises(ZeroDivisionError):
            operator.execute(lambda: 1 / 0)
        assert operator.execute(lambda: 1) == 1

    def test_an_operator_can_be_pickled(self, operator: StepOperator) -> None:
        assert pickle.loads(pickle.dumps(operator)).execute(lambda: 1) == 1

    def test_its_output_is_written_here(
        self, operator: StepOperator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def speak() -> None:
            print("to stdout: größe")
            print("to stderr", file=sys.stderr)
            os.write(1, b"past Python\n")

        operator.execute(speak)
        out, err = capsys.readouterr()
        assert sorted(out.splitlines()) == ["past Python", "to stdout: größe"]
        assert err == "to stderr\n"

    def test_much_output_blocks_nothing(
        self, operator: StepOperator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def speak() -> str:
            print("x" * 2**20)
            return "done"

        assert operator.execute(speak) == "done"
        assert len(capsys.readouterr().out) == 2**20 + 1

    def test_the_output_of_a_killed_call_is_written(
        self, operator: StepOperator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def speak_and_die() -> None:
            print("last words")
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(StepProcessDied):
            operator.execute(speak_and_die)
        assert capsys.readouterr().out == "last words\n"

    def test_a_call_that_takes_too_long_is_ended(self, operator: StepOperator) -> None:
        def hang() -> None:
            while True:
                time.sleep(0.01)

        with pytest.raises(StepTimedOut) as caught:
            operator.execute(hang, TIMEOUT)
        assert "in hang" in caught.value.__notes__[-1]  # where it was

    def test_a_call_that_takes_too_long_and_heeds_nothing_is_killed(
        self, operator: StepOperator, tmp_path: Path
    ) -> None:
        def hang() -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            (tmp_path / "pid").write_text(str(os.getpid()))
            time.sleep(600)

        with pytest.raises(StepTimedOut):
            operator.execute(hang, TIMEOUT)
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)

    def test_a_call_that_prints_without_end_has_its_time_limit_too(
        self, operator: StepOperator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def chatter() -> None:
            while True:
                print("still here")

        with pytest.raises(StepTimedOut):
            operator.execute(chatter, TIMEOUT)

    def test_a_call_may_take_its_time(self, operator: StepOperator) -> None:
        assert operator.execute(lambda: 1, 60) == 1

    def test_ctrl_c_ends_the_call_too(self, operator: StepOperator, tmp_path: Path) -> None:
        def wait() -> None:
            (tmp_path / "begun").write_text(str(os.getpid()))
            (tmp_path / "begun").rename(tmp_path / "pid")
            time.sleep(600)

        main = threading.get_ident()

        def interrupt() -> None:
            end = time.monotonic() + 60
            while not (tmp_path / "pid").exists() and time.monotonic() < end:
                time.sleep(0.01)
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            operator.execute(wait)
        thread.join()
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)
