"""The table of runs with metrics and parameters, and the comparison of some of them."""

import re

import pytest
from browsing import HOSTILE, app_of, get

from stackfold import Workspace, get_context, pipeline, step
from stackfold.errors import RunFailed


@step
def load(rows: int) -> list[int]:
    return [*range(rows)]


@step
def train(data: list[int], lr: float, note: str) -> dict[str, float]:
    get_context().log_metadata({"auc": 1 - lr, "loss": lr, HOSTILE: lr, "note": note})
    return {"w": lr}


@step
def check(model: dict[str, float]) -> None:
    get_context().log_metadata({"auc": model["w"]})
    if model["w"] > 0.5:
        raise ValueError(HOSTILE)


@pipeline
def credit(lr: float = 0.1, rows: int = 2, note: str = "a"):
    check(train(load(rows), lr, note))


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        workspace.components.register("artifact_store", "lake", "local")
        workspace.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.runs.start(credit)
        workspace.components.update("artifact_store", "lake", {"path": "pond"}, why=HOSTILE)
        workspace.runs.start(credit, {"lr": 0.2, "note": HOSTILE}, why=HOSTILE)
        with pytest.raises(RunFailed):
            workspace.runs.start(credit, {"lr": 0.75})
        workspace.runs.tag("good", ["nightly"])
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url):
    answer = get(app, url)
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "style=" not in answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def names(ws):
    return [run.name for run in reversed(ws.runs.list())]


def listed(app, url):
    return re.findall(r'name="runs" value="([^"]+)"', shown(app, url))


def heads(app, url):
    table = shown(app, url).partition("<thead>")[2].partition("</thead>")[0]
    return [text_of(each).strip() for each in re.findall(r"<th[^>]*>(.*?)</th>", table)]


# -- the table


def test_metrics_and_parameters_of_the_shown_runs_are_columns(app):
    titles = heads(app, "/runs")
    assert {"check.auc", "train.auc", "loss", "param.lr", "param.note"} <= {*titles}
    assert titles.index("param.lr") < titles.index("param.rows")
    assert " 0.8 " in text_of(shown(app, "/runs"))


def test_columns_are_chosen_by_name(app):
    assert heads(app, "/runs?metric=train.auc&param=rows,train.lr")[-3:] == [
        "train.auc",
        "param.rows",
        "param.train.lr",
    ]
    assert heads(app, "/runs?metric=loss&metric=unknown")[-5:-3] == ["loss", "unknown"]


def test_runs_are_sorted_by_a_metric(app, ws):
    assert listed(app, "/runs?sort=loss") == names(ws)
    assert listed(app, "/runs?sort=-loss") == names(ws)[::-1]
    assert 'aria-sort="descending"' in shown(app, "/runs?sort=-loss")


def test_runs_are_filtered_by_conditions_and_the_command_says_the_same(app, ws):
    url = "/runs?where=loss+%3C+0.5+and+param.lr+%3E+0.1&sort=-loss&metric=loss"
    assert listed(app, url) == names(ws)[1:2]
    wanted = "stackfold run list --where 'loss < 0.5 and param.lr > 0.1' --sort-by desc:loss"
    assert f"{wanted} --metric loss" in text_of(shown(app, url)).replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&#39;", "'")
    assert "No run matches" in text_of(shown(app, "/runs?where=loss+%3E+9"))


@pytest.mark.parametrize("query", ["where=auc+%3E", "where=%3Cscript%3E", "sort=nothing"])
def test_a_wrong_query_is_answered_in_one_sentence(app, query):
    answer = get(app, f"/runs?{query}")
    assert answer.status_code == 400
    assert "<script>" not in answer.text
    assert re.search("is not valid|there is no column", answer.text)


def test_a_run_links_to_its_page(app, ws):
    assert f'href="/runs/{names(ws)[0]}"' in shown(app, "/runs")


# -- the comparison


def compared(app, ws, *which):
    chosen = "&".join(f"runs={names(ws)[at]}" for at in which)
    return shown(app, f"/compare?{chosen}")


def test_causes_come_first_with_who_and_why(app, ws):
    html = compared(app, ws, 0, 1)
    cause, _, outcome = text_of(html).partition("Results")
    assert "eve updated artifact store lake" in cause
    assert "&lt;script&gt;alert(1)" in cause
    assert re.search(r"Parameters .*lr 0.1 0.2", cause)
    assert "Metrics" in outcome
    assert re.search(r"loss 0.1 0.2 \+0.1", outcome)
    assert re.search(r"train.auc 0.9 0.8 -0.1", outcome)
    assert f"stackfold run diff {names(ws)[0]} {names(ws)[1]}" in outcome


def test_what_follows_is_folded_and_shown_by_value(app, ws):
    folded = compared(app, ws, 0, 1).partition("<details")[2].partition("</details>")[0]
    text = text_of(folded)
    assert "2 values downstream; first to differ: train.output" in text
    assert "{&#34;w&#34;: 0.1}" in text
    assert "{&#34;w&#34;: 0.2}" in text


def test_the_graph_says_which_step_differs_first(app, ws):
    html = compared(app, ws, 0, 2)
    texts = re.findall(r'<text class="detail"[^>]*>([^<]*)', html)
    assert texts == ["cached · same", "completed · first to differ", "failed · differs"]
    assert "&lt;script&gt;alert(1)" in html  # the error


def test_several_runs_are_compared_in_columns_without_a_graph(app, ws):
    html = compared(app, ws, 0, 1, 2)
    assert "3 runs compared" in text_of(html)
    assert "Graph of the steps" not in html
    assert re.search(r"lr 0.1 0.2 0.75", text_of(html))
    assert "the compared ones are ringed" in html
    assert html.count("aria-current") >= 3
    assert shown(app, f"/compare?runs={','.join(names(ws))}") == html.replace("&amp;runs=", ",")


def test_equal_runs_do_not_differ(app, ws):
    again = ws.runs.rerun(names(ws)[0], credit)
    try:
        text = text_of(shown(app, f"/compare?runs={names(ws)[0]},{again.name}"))
    finally:
        ws.runs.delete(again.name)
    assert "No difference." in text


def test_less_than_two_runs_are_no_comparison(app, ws):
    assert "Choose two or more runs" in text_of(shown(app, "/compare"))
    # These references mean the last runs of now.
    assert 'href="/compare?runs=latest~1%2Clatest"' in shown(app, "/compare?as_of=3")
    assert "Choose two or more runs" in text_of(shown(app, f"/compare?runs={names(ws)[0]}"))
    assert get(app, "/compare?runs=" + ",".join(map(str, range(20)))).status_code == 400
    assert get(app, "/compare?runs=unknown,latest").status_code == 404


def test_nothing_later_than_the_position_is_compared(app, ws):
    position = ws.runs.describe(names(ws)[1]).position
    url = f"/compare?runs={names(ws)[0]},{names(ws)[1]}"
    assert get(app, f"{url}&as_of={position - 1}").status_code == 404
    assert get(app, f"{url}&as_of={position}").status_code == 200
