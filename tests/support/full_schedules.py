"""Schedules of each kind, with and without runs."""

from stackfold import pipeline, step
from stackfold.application.runs.progress import NULL_LISTENER
from stackfold.application.schedules.starting import start


@step
def wake(slope: float) -> float:
    return slope


@pipeline
def waking(slope: float = 1.0):
    wake(slope)


def fill_schedules(ws, text):
    """Create schedules in the full log.

    Args:
        ws: The workspace, in memory.
        text: A text that attacks.
    """
    source = f"{__file__}:waking"
    ws.schedules.create(
        "nightly",
        source,
        {"slope": 2.0},
        cron="0 6 * * *",
        timezone="Europe/Berlin",
        stack="prod",
        configuration={"tags": ["scheduled"]},
        description=text,
        ends="2090-01-01",
        why=text,
    )
    ws.schedules.create("often", source, every="1h")
    ws.schedules.create("once", source, at="2090-01-01")
    ws.schedules.create("promoted", source, on="model-promoted", of={"model": "fraud"})
    nightly, services = ws.schedules.get("nightly").id, ws._services
    time = "2089-12-01T06:00:00.000000Z"
    start(services.schedule_queries, services, nightly, time, NULL_LISTENER, lambda: False)
    services.scheduler._pass(nightly, "failed", "#1", "#1", 1, text)
