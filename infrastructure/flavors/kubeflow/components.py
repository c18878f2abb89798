"""The two components that every pipeline for Kubeflow is made of.

Their source is what is sent: in the pod they know nothing else of this file.
"""


def step(run: str, step: str, source: str) -> None:
    """Execute a step of a run."""
    from stackfold.infrastructure.flavors.kubeflow.step import main

    main("execute", run, source, step)


def settle(run: str, source: str, awaited: bool) -> None:
    """End a run of which no step is executed any more."""
    from stackfold.infrastructure.flavors.kubeflow.step import main

    main("settle", run, source, *(["awaited"] if awaited else []))
