"""Trust in projects that another user owns; needs no log."""

import os
from typing import TYPE_CHECKING

from stackfold.infrastructure.system.home import absolute_folder, home_folder

if TYPE_CHECKING:
    from stackfold.infrastructure.system.trust import TrustedProject


class ProjectTrust:
    """Commands that change which projects the home trusts."""

    @staticmethod
    def trust(folder: str | os.PathLike[str] | None = None) -> "TrustedProject":
        """Trust a project that another user owns, and the log that it names.

        Args:
            folder: A folder of the project; by default the current one.

        Raises:
            NotFound: The folder is in no project.
            Invalid: The project names a log by an invalid address.
        """
        from stackfold.infrastructure.system.trust import trust_project

        return trust_project(home_folder(), absolute_folder(folder))

    @staticmethod
    def untrust(folder: str | os.PathLike[str] | None = None) -> "TrustedProject":
        """Revoke the trust of a project, and of the log that it names.

        Args:
            folder: A folder of the project; by default the current one.

        Raises:
            NotFound: The home trusts neither the folder nor the log.
        """
        from stackfold.infrastructure.system.trust import untrust_project

        return untrust_project(home_folder(), absolute_folder(folder))
