"""Reports of data validators, as a folder of JSON and HTML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.validation.report_page import report_page
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.domain.validation.validation_report import ValidationReport

_JSON, _PAGE, _TOOLS_PAGE = "report.json", "report.html", "full_report.html"
_MOST_PROBLEMS = 5
_MOST_METRICS = 50


class ValidationReportMaterializer(Materializer):
    """Writes `report.json`, `report.html` without scripts, and the tool's `full_report.html`."""

    name = "validation-report"

    def prepare(self, value: object) -> WriteFolder | None:
        if type(value) is not ValidationReport:
            return None
        report = value

        def fill(folder: Path) -> None:
            folder.joinpath(_JSON).write_text(report.to_json(), encoding="utf-8")
            folder.joinpath(_PAGE).write_text(report_page(report), encoding="utf-8")
            if report.html:
                page = report.html.encode(errors="backslashreplace")
                folder.joinpath(_TOOLS_PAGE).write_bytes(page)

        return WriteFolder(fill)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> ValidationReport:
        html = ""
        if _TOOLS_PAGE in folder.files:
            with folder.open(_TOOLS_PAGE) as file:
                html = file.read().decode()
        with folder.open(_JSON) as file:
            return ValidationReport.from_json(file.read(), html)

    def metadata(self, value: Any) -> Mapping[str, Any]:
        report: ValidationReport = value
        return {
            "kind": report.kind,
            "passed": report.passed,
            **dict([*report.metrics.items()][:_MOST_METRICS]),
            "problems": [each.text for each in report.failures[:_MOST_PROBLEMS]],
            "tool": " ".join(filter(None, (report.tool, report.version))),
        }

    def preview(self, value: Any) -> bytes:
        return report_page(value).encode()


use_materializer(ValidationReportMaterializer(), ValidationReport)
