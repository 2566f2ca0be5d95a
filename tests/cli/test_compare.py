import json
from dataclasses import replace

import pytest
from cli.test_evaluate import CASES, DICE, evaluate, ichnos
from evaluation.made_cohort import write_cohort, write_predictions


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The hand-made predictions, perfect ones, and some that lack two cases."""
    folder = tmp_path_factory.mktemp("work")
    cohort = write_cohort(folder / "cohort", CASES)
    perfect = {name: replace(made, predicted=made.label) for name, made in CASES.items()}
    for name, cases in (("made", CASES), ("perfect", perfect)):
        evaluate(cohort, write_predictions(folder / "p" / name, cases), folder / name, "-q")
    (folder / "few.csv").write_text("case\nshifted\nmissed\nuneven\nborder\nempty\ninvented\n")
    evaluate(cohort, folder / "p" / "made", folder / "few", "--cases", folder / "few.csv", "-q")
    return folder


def test_two_sets_are_paired_case_by_case(tmp_path, evaluated):
    result = ichnos("compare", evaluated / "perfect", evaluated / "made", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    dice = next(one for one in content["differences"] if (one["measure"], one["view"]) == ("dice", "bleeding"))
    assert dice["first"] == 1.0
    assert dice["second"] == pytest.approx(sum(DICE.values()) / 6)
    assert (dice["items"], dice["patients"]) == (6, 6)
    assert dice["p_values"]["sign-flip-by-patient"] == pytest.approx(2 / 2**6), "all six are worse"
    assert content["policy"] == "excluded"
    for ending in ("md", "tex", "csv"):
        assert (tmp_path / "out" / f"comparison.{ending}").is_file()
    again = ichnos("compare", evaluated / "perfect", evaluated / "made", "-o", tmp_path / "out")
    assert again.exit_code == 2
    assert "holds a comparison already" in again.output


def test_other_cases_are_refused_by_name(tmp_path, evaluated):
    result = ichnos("compare", evaluated / "made", evaluated / "few", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "2 case(s) were scored in the first set only: everything, one-voxel" in result.output


def test_a_folder_without_scores_is_refused(tmp_path, evaluated):
    result = ichnos("compare", evaluated / "made", tmp_path, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "holds no scores.json" in result.output


def test_a_papers_protocol_may_be_asked_for(tmp_path, evaluated):
    out = tmp_path / "out"
    result = ichnos(
        "compare", evaluated / "perfect", evaluated / "made", "-o", out, "--protocol", "hgi-sam", "--json", "-q"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["protocol"] == "hgi-sam"
