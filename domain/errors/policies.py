"""Policies."""

from collections.abc import Sequence

from stackfold.domain.errors.bases import Failed, Forbidden, Invalid, Unavailable


class PolicyViolation(Forbidden):
    """A policy rejected a change, so nothing was recorded.

    Attributes:
        policy: The name of the policy.
        problem: Why, and what to do, in the words of the policy.
    """

    def __init__(self, policy: str, problem: str) -> None:
        self.policy, self.problem = policy, problem
        super().__init__(f"policy {policy!r} rejects the change: {problem}")


class PolicyFailed(Failed):
    """A policy failed instead of accepting or rejecting a change, so nothing was recorded.

    The exception of the policy is the cause. The message does not contain its text, which may
    contain secrets.

    Attributes:
        policy: The name of the policy.
        origin: The package and version that provides it, or the module and name of the object.
        problem: What it did, as a predicate.
    """

    def __init__(self, policy: str, origin: str, problem: str) -> None:
        self.policy, self.origin, self.problem = policy, origin, problem
        super().__init__(
            f"policy {policy!r} of {origin} {problem}, so nothing was recorded: have it corrected, "
            "or disable it"
        )


class PolicyTooSlow(PolicyFailed):
    """A policy took longer than it declares, so nothing was recorded.

    Attributes:
        policy: The name of the policy.
        origin: The package and version that provides it, or the module and name of the object.
        problem: How long it took, as a predicate.
        seconds: How long it took.
        timeout: How long it may take, in seconds.
    """

    def __init__(self, policy: str, origin: str, seconds: float, timeout: float) -> None:
        self.seconds, self.timeout = seconds, timeout
        super().__init__(policy, origin, f"took {seconds:.2f} s and may take {timeout:g} s")


class PolicyUnavailable(Unavailable):
    """This process cannot ask an enabled policy about a change, so nothing was recorded.

    Attributes:
        policy: The name of the policy.
        origin: The package and version that provides it, or the module and name of the object.
        topics: The topics of the change that the policy governs.
        subject: The policy, as in the message.
        problem: Why it cannot be asked, and what to do.
    """

    def __init__(self, policy: str, origin: str, topics: Sequence[str], problem: str) -> None:
        self.policy, self.origin, self.topics = policy, origin, topics
        super().__init__(
            f"policy {policy!r}, which governs {', '.join(topics)},",
            f"{problem}: provide it, or disable the policy",
        )


class PolicyCannotWrite(Forbidden):
    """A policy tried to change something; a policy only accepts or rejects changes.

    Attributes:
        policy: The name of the policy.
    """

    def __init__(self, policy: str) -> None:
        self.policy = policy
        super().__init__(
            f"policy {policy!r} tried to change something: a policy only reads; use a reaction to "
            "act after a change"
        )


class InvalidPolicy(Invalid):
    """The declaration of a policy is invalid.

    Attributes:
        policy: The name of the policy.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, policy: str, problem: str) -> None:
        self.policy, self.problem = policy, problem
        super().__init__(f"policy {policy!r:.100} is invalid: {problem}")


class ReasonRequired(Invalid):
    """A change that requires a reason was made without one.

    Attributes:
        kind: What was to be changed, such as "policy".
        name: Its name.
        action: What was to be done, as a participle, such as "disabled".
    """

    def __init__(self, kind: str, name: str, action: str) -> None:
        self.kind, self.name, self.action = kind, name, action
        super().__init__(f"{kind} {name!r} is {action} with a reason only: give one")
