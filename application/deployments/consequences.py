"""Changes of deployments that follow from changes of models."""

from stackfold.application.eventsourcing.repository import Repository
from stackfold.domain.deployments.deployment import Deployment


def is_consequence(repository: Repository, id: str, revision: int) -> bool:
    """Whether a revision of a deployment belongs to an update that a promotion led to.

    Undoing such an update is not what a user means: undoing the promotion leads to another update.

    Args:
        repository: Loads the deployment.
        id: The id of the deployment.
        revision: The revision.
    """
    if revision < 2:
        return False
    after = repository.load(Deployment, id, revision)
    before = repository.load(Deployment, id, revision - 1)
    if not before.rollout.pending and not after.rollout.pending:
        return False
    while before.rollout.pending and revision > 2:
        revision -= 1
        after, before = before, repository.load(Deployment, id, revision - 1)
    return after.rollout.because > before.rollout.because
