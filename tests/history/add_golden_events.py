"""Stores an example of every event that has none yet: run `python -m history.add_golden_events`.

Run it in `tests/`, with `src` on the path. What is there is never changed: it stands for what is in
people's logs.
"""

from pathlib import Path

from event_examples import EXAMPLES

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.infrastructure.eventstore.event_mapper import EventMapper

FOLDER = Path(__file__).parent / "golden_events"


def main() -> None:
    """Write the examples that are missing."""
    FOLDER.mkdir(exist_ok=True)
    for event in EXAMPLES:
        path = FOLDER / f"{event.TOPIC}.v{event.class_version}.json"
        if not path.exists():
            path.write_bytes(EventMapper(STACKFOLD_AGGREGATES).to_stored_event(event).state)
            print(path.name)


if __name__ == "__main__":
    main()
