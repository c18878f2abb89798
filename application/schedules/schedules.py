"""Schedules: create, change, pause, and run them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.history.views import HistoryEntry
from stackfold.application.schedules.cluster_schedules import ClusterSchedules
from stackfold.application.schedules.running import RunSummary
from stackfold.application.schedules.views import ScheduleView, UnitFile
from stackfold.domain.errors import Invalid

if TYPE_CHECKING:
    from stackfold.application.history.past_states import PastStates
    from stackfold.application.schedules.planning import Changes
    from stackfold.domain.pipelines.run_configuration import AnyConfiguration
    from stackfold.domain.schedules.schedule import Schedule

When = str | datetime
"""A time: RFC 3339, or a local time in the time zone of the schedule."""


@checked
class Schedules(ClusterSchedules):
    """Queries and commands on schedules.

    A `reference` is the name of a schedule, its id or a unique prefix of either. Nothing is started
    unless a process runs the schedules: `run`, or `stackfold schedule run`.
    """

    def create(
        self,
        name: str,
        source: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        cron: str | None = None,
        every: timedelta | str | None = None,
        at: When | None = None,
        on: str | None = None,
        of: Mapping[str, str] | None = None,
        timezone: str = "UTC",
        starts: When | None = None,
        ends: When | None = None,
        stack: str | None = None,
        configuration: "AnyConfiguration | None" = None,
        catch_up: str = "none",
        catch_up_limit: int = 10,
        overlap: str = "skip",
        description: str = "",
        paused: bool = False,
        check: bool = True,
        why: str = "",
    ) -> ScheduleView:
        """Create a schedule. Give one of `cron`, `every`, `at` and `on`.

        Args:
            name: The name.
            source: The pipeline, as "file.py:name" or "module:name".
            parameters: Its parameters by name, as JSON values or texts.
            cron: Five fields: minute, hour, day of the month, month, day of the week.
            every: An interval, such as "15m", counted from `starts`, by default from now.
            at: The time of a single run.
            on: Start a run after each "stack-activated" or "model-promoted".
            of: Only events of this "stack", "model" or "alias".
            timezone: The IANA name of the time zone of all of these.
            starts: No run starts before this time.
            ends: No run starts after this time.
            stack: The name of the stack; by default the one that is active when a run starts.
            configuration: Options of its runs, as for `runs.start`.
            catch_up: Which times to make up for at which no process ran the schedule: "none",
                "last" or "all".
            catch_up_limit: The most times that "all" makes up for.
            overlap: "skip" a time while the run before is running, or "allow" several runs.
            description: What it is for.
            paused: Whether it starts nothing until it is resumed.
            check: Whether to load the pipeline, and to check the parameters and the stack.
            why: The reason.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidSchedule: Times or options contradict each other, or one is invalid.
            NameTaken: Another schedule has the name.
            InvalidFile: There is no such pipeline, or its module cannot be imported.
            InvalidPipeline: A parameter or an option is invalid.
            NotFound: The stack does not exist.
        """
        from stackfold.domain.schedules.schedule import Schedule

        plan = self._changes.new(
            source,
            parameters,
            configuration,
            check=check,
            cron=cron,
            every=every,
            once=at,
            on=on,
            of=of,
            timezone=timezone,
            starts=starts,
            ends=ends,
            stack=stack,
            catch_up=catch_up,
            catch_up_limit=catch_up_limit,
            overlap=overlap,
            description=description,
        )
        schedule = Schedule.create(name, plan, paused)
        self._services.repository.save(schedule, why=why)
        return self.get(str(schedule.id))

    def update(
        self,
        reference: str,
        *,
        check: bool = True,
        why: str = "",
        expected_revision: int | None = None,
        **changes: Any,
    ) -> ScheduleView:
        """Change what a schedule runs, or when.

        Args:
            reference: The schedule.
            check: Whether to load the pipeline, and to check the parameters and the stack.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.
            **changes: Arguments of `create` by name, except `name` and `paused`. One of `cron`,
                `every`, `at` and `on` replaces the one before. `stack=None` is the active stack.

        Raises:
            NotFound: No schedule matches.
            Invalid: There is no such argument.
            InvalidSchedule: Times or options contradict each other, or one is invalid.
            NothingToChange: It is as wanted already.
            StaleRevision: It has another revision than the expected one.
        """
        if unknown := [each for each in changes if each not in _CHANGES]:
            raise Invalid(
                f"a schedule has no {unknown[0]!r:.60}: give one of {', '.join(_CHANGES)}"
            )
        prepared = self._changes.prepared(changes)
        return self._change(
            reference,
            lambda each: each.update(self._changes.changed(each.plan, prepared, check)),
            why,
            expected_revision,
        )

    def rename(
        self, reference: str, name: str, *, why: str = "", expected_revision: int | None = None
    ) -> ScheduleView:
        """Rename a schedule.

        Args:
            reference: The schedule.
            name: The new name.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No schedule matches.
            NameTaken: Another schedule has the name.
            StaleRevision: It has another revision than the expected one.
        """
        return self._change(reference, lambda each: each.rename(name), why, expected_revision)

    def pause(
        self, reference: str, *, why: str = "", expected_revision: int | None = None
    ) -> ScheduleView:
        """Start no runs until the schedule is resumed; a run that is running goes on.

        Args:
            reference: The schedule.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No schedule matches.
            NothingToChange: It is paused.
            StaleRevision: It has another revision than the expected one.
        """
        return self._change(reference, lambda each: each.pause(), why, expected_revision)

    def resume(
        self, reference: str, *, why: str = "", expected_revision: int | None = None
    ) -> ScheduleView:
        """Start runs again, from the next time on; raises as `pause`."""
        return self._change(reference, lambda each: each.resume(), why, expected_revision)

    def delete(
        self, reference: str, *, why: str = "", expected_revision: int | None = None
    ) -> ScheduleView:
        """Delete a schedule; its runs remain. Returns its last state.

        Args:
            reference: The schedule.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No schedule matches.
            StaleRevision: It has another revision than the expected one.
        """
        view = self.get(reference)
        self._change(view.id, lambda each: each.delete(), why, expected_revision, view)
        return view

    # -- the past

    def revert(
        self,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore an earlier state of a schedule, as a new revision.

        Args:
            reference: The schedule.
            to: The revision to restore; None for the one before the latest.
            as_of: A point in the past, instead of a revision.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No schedule matches.
            NoSuchRevision: It has no such revision.
            NothingToChange: It has that state already.
            StaleRevision: It has another revision than the expected one.
        """
        from stackfold.domain.schedules.schedule import Schedule

        found = self._queries.find(reference)
        revision = self._past.revision("schedule", "schedule", found, to, as_of)

        def command() -> "Sequence[Schedule]":
            schedule, past = self._past.earlier(Schedule, found, revision, expected_revision)
            schedule.revert(past)
            return [schedule]

        return self._past.record(command, why, dry_run)

    def restore(
        self,
        reference: str,
        *,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore a deleted schedule, and return the changes.

        Args:
            reference: The id of the deleted schedule, or the last one of that name.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: There never was such a schedule.
            NotDeleted: It exists.
            NameTaken: Another schedule has its name.
        """
        from stackfold.domain.schedules.schedule import Schedule

        found = self._services.history.find("schedule", reference, deleted=True)

        def command() -> "Sequence[Schedule]":
            schedule, past = self._past.deleted(Schedule, found, expected_revision)
            schedule.restore(past)
            return [schedule]

        return self._past.record(command, why, dry_run)

    # -- running

    @outside_changes
    def run(
        self, *references: str, once: bool = False, stop: threading.Event | None = None
    ) -> RunSummary:
        """Run schedules: wait for their times, and start each run in a process of its own.

        Several processes may do so, also on several machines: there is one run for each time. A
        run that cannot be started is recorded, and ends nothing.

        Args:
            *references: The schedules; all by default, also those that are created later.
            once: Whether to return when the runs that are due now have ended.
            stop: Set it, in any thread, to start no further runs, and to return when those that
                were started have ended.

        Raises:
            NotFound: No schedule matches.
            LogUnavailable: The log is in memory, where no other process can read it.
        """
        ids = [self._queries.find(each).id for each in references]
        return self._services.scheduler.run(ids or None, once, stop or threading.Event())

    def crontab(self, reference: str) -> str:
        """Return the lines with which cron of this machine runs a schedule.

        Args:
            reference: The schedule.

        Raises:
            NotFound: No schedule matches.
            InvalidSchedule: cron cannot run it.
        """
        return self._services.system_timers.crontab(self.get(reference))

    def systemd(self, reference: str) -> Sequence[UnitFile]:
        """Return the service and the timer with which systemd runs a schedule; raises as `crontab`.

        Args:
            reference: The schedule.
        """
        return self._services.system_timers.systemd(self.get(reference))

    def react(
        self, topic: str, position: int, recorded_at: str, about: Mapping[str, str]
    ) -> Sequence[str]:
        """Start runs of the schedules that wait for an event; for the reaction `start-schedules`.

        Args:
            topic: The topic of the event.
            position: Its position in the log.
            recorded_at: When it was recorded: RFC 3339, UTC.
            about: What it is about: a "stack", or a "model" and an "alias".

        Returns:
            The names of the runs.
        """
        from stackfold.application.schedules.triggers import waiting_for

        found = waiting_for(self._queries.schedules(), topic, recorded_at, about)
        started = [self._services.scheduler.react(each, f"#{position}") for each in found]
        return [name for name in started if name]

    # -- private

    def _change(
        self,
        reference: str,
        command: "Callable[[Schedule], object]",
        why: str,
        expected_revision: int | None,
        view: ScheduleView | None = None,
    ) -> ScheduleView:
        from stackfold.domain.schedules.schedule import Schedule

        id = self._queries.find(reference).id
        self._services.repository.change(Schedule, id, command, why, expected_revision)
        return view or self.get(id)

    @cached_property
    def _changes(self) -> "Changes":
        from stackfold.application.schedules.planning import Changes

        return Changes(self._services, lambda: datetime.now(UTC))

    @cached_property
    def _past(self) -> "PastStates":
        from stackfold.application.history.past_states import PastStates

        services = self._services
        return PastStates(services.repository, services.history, self._queries.position)


_CHANGES = (
    *("source", "parameters", "configuration", "stack", "cron", "every", "at", "on", "of"),
    *("timezone", "starts", "ends", "catch_up", "catch_up_limit", "overlap", "description"),
)
