"""The two components of every pipeline on Kubeflow.

kfp sends the source of each function alone, so they cannot use other names of this file.
"""


def step(run: str, step: str, source: str) -> None:
    """Execute a step of a run."""
    from stackfold.infrastructure.flavors.kubeflow.step import main

    main("execute", run, source, step)


def settle(run: str, source: str, awaited: bool) -> None:
    """Complete a run whose steps have all ended."""
    from stackfold.infrastructure.flavors.kubeflow.step import main

    main("settle", run, source, *(["awaited"] if awaited else []))
