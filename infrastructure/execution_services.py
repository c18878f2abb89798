"""What processes know of each other's runs; a part of the services of a workspace."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.runs.live_steps import LiveSteps
    from stackfold.infrastructure.run_log import RunLog
    from stackfold.infrastructure.services import Services
else:
    from functools import cached_property


class ExecutionServices:
    """Knows which runs and steps are being executed."""

    database: Database
    home: Path

    @cached_property
    def claims(self) -> "Claims":
        """Knows which process executes which run."""
        if self.database.shared:
            from stackfold.infrastructure.database.postgres_claims import PostgresClaims

            return PostgresClaims(self.database)
        if sys.platform == "win32":
            from stackfold.infrastructure.system.windows_claims import WindowsClaims

            return WindowsClaims(self.home)
        from stackfold.infrastructure.system.claims import FileClaims

        return FileClaims(self.home)

    @cached_property
    def live_steps(self) -> "LiveSteps":
        """Shows running steps to other processes."""
        if self.database.shared:
            from stackfold.infrastructure.database.postgres_live import PostgresLiveSteps

            return PostgresLiveSteps(self.database)
        from stackfold.infrastructure.system.live_files import LiveFiles

        return LiveFiles(self.home, self.claims)

    @cached_property
    def run_log(self) -> "RunLog":
        """Reaches the log from steps while they run, in this process or in another."""
        from stackfold.infrastructure.run_log import RunLog

        return RunLog(cast("Services", self))
