"""Every error that Stackfold raises on purpose; all derive from `StackfoldError`."""

from stackfold.domain.errors import *  # noqa: F403 the same names, under the address for users
