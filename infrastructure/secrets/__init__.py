"""Secret stores, a file each; see docs/secrets.md.

Start with `plain.py`.
"""

import os
from pathlib import Path

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.secrets.encrypted import EncryptedFile
from stackfold.infrastructure.secrets.environment import Environment
from stackfold.infrastructure.secrets.keyring_store import Keyring
from stackfold.infrastructure.secrets.plain import PlainFile
from stackfold.infrastructure.system.home import SECRETS_FOLDER


def stored_secrets(home: Path) -> StoredSecrets:
    """The stores of a home, in the order in which they are searched.

    The environment is first, so that it can override values for one process. A secret is in only
    one of the others; a new one goes to the last that can be used.
    """
    folder = home / SECRETS_FOLDER
    return StoredSecrets([Environment(), PlainFile(folder), EncryptedFile(folder), Keyring(folder)])


def preferred() -> str:
    """The store for new secrets, from `STACKFOLD_SECRET_STORE`; empty if it is not set."""
    return os.environ.get("STACKFOLD_SECRET_STORE", "")
