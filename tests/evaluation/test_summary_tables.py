from evaluation.test_summarise import scored

from ichnos.evaluation.protocols import PROTOCOLS
from ichnos.evaluation.summarise import summarise_scores
from ichnos.evaluation.summary_tables import make_tables


def cells(markdown):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines() if "|" in line]


def test_each_result_names_protocol_policy_and_counts():
    for name, protocol in PROTOCOLS.items():
        text = make_tables(summarise_scores(scored(), protocol), "mine")[0].to_markdown()
        assert f"mine: {name} protocol, empty masks {protocol.policy}" in text
        assert f"empty masks: {protocol.policy}" in text
        assert "8 cases of 8 patients" in text
        assert cells(text)[0][4:] == ["n", "patients", "left out", "empty", "missed", "invented"]


def test_rows_are_the_figures():
    result = summarise_scores(scored(), PROTOCOLS["label-efficient"])
    rows = cells(make_tables(result, "mine")[0].to_markdown())
    summary = result.find("dice", "all").summary
    spread = f"{summary.mean:.3f} ± {summary.deviation:.3f}"
    assert ["dice", "all volumes", "all", spread, "8", "8", "0", "1", "1", "1"] in rows


def test_detection_and_volumes_have_their_own_tables():
    result = summarise_scores(scored(), PROTOCOLS["ichnos"])
    _, detection, volumes = make_tables(result, "mine")
    assert [row[0] for row in detection.rows] == ["slice", "scan"]
    assert detection.rows[0][-2:] == ("-", "-"), "masks alone have no probabilities"
    assert ("scans", "8.000") in volumes.rows
    assert len(make_tables(summarise_scores(scored(), PROTOCOLS["label-efficient"]), "mine")) == 1


def test_a_single_item_has_no_spread():
    result = summarise_scores(scored(["shifted"]), PROTOCOLS["label-efficient"])
    assert "±" not in make_tables(result, "mine")[0].rows[0][3]
