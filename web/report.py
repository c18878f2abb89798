"""Reports as one file each, which needs no server, no script and nothing from elsewhere."""

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.reports import run_report, stack_report
from stackfold.web.templating import HERE, environment


def report_on_run(workspace: Workspace, reference: str) -> str:
    """Return the report of a run as HTML; raises as `Runs.get`.

    Args:
        workspace: Has the run.
        reference: The run, such as "latest".
    """
    return _rendered("report_run.html", run_report(workspace, reference, _now()))


def report_on_stack(workspace: Workspace, reference: str | None = None) -> str:
    """Return the report of a stack as HTML; raises as `Stacks.get`.

    Args:
        workspace: Has the stack.
        reference: The stack, by name, id or unique prefix; None for the active one.
    """
    return _rendered("report_stack.html", stack_report(workspace, reference, _now()))


def _rendered(template: str, report: Any) -> str:
    style = (HERE / "static" / "app.css").read_text(encoding="utf-8")
    rendered = (
        environment({})
        .get_template(template)
        .render(
            report=report,
            page=report.page,
            style=Markup(style),  # noqa: S704  # our own file
        )
    )
    # A lone surrogate, which a name may contain, has no form in UTF-8.
    return rendered.encode(errors="replace").decode()


def _now() -> str:
    return to_rfc3339(datetime.now(UTC))
