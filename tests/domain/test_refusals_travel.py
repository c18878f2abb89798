"""A refusal reaches another process as what it is."""

import pickle

from stackfold.domain.errors import InvalidOutput, StepTimedOut


def test_a_refusal_is_the_same_after_a_journey():
    error = InvalidOutput("train", "a lock")
    error.add_note("look here")
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is InvalidOutput
    assert str(there) == str(error)
    assert (there.step, there.problem) == ("train", "a lock")
    assert there.__notes__ == ["look here"]


def test_a_refusal_with_a_text_of_its_own_is_the_same_too():
    there = pickle.loads(pickle.dumps(StepTimedOut(2.5)))
    assert (there.seconds, str(there)) == (2.5, str(StepTimedOut(2.5)))
