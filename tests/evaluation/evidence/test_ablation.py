import numpy as np
from evaluation.evidence.judged_scans import SCANS
from tiny import tiny_content

from ichnos.evaluation.evidence.ablation import plan_ablation, read_ablation_recipe, tell_worlds, train_on_world
from ichnos.evaluation.evidence.real_scans import RealFinding
from ichnos.evaluation.evidence.worlds import list_worlds
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.plan import Plan
from ichnos.models.checkpoint import load_checkpoint
from ichnos.phantoms.features import WIDE
from ichnos.runtime.files import write_json
from ichnos.training.recipe import TrainingRecipe


def test_worlds_differ_in_their_features_alone():
    plan = Plan(tuple(plan_ablation(read_ablation_recipe(), range(2), 3, None)))
    recipes = {stage.name: stage.settings["recipe"] for stage in plan.stages if stage.name.startswith("train-")}
    assert len(recipes) == 2 * len(list_worlds())
    whole, none = recipes["train-all-features-0"], recipes["train-no-features-0"]
    assert whole["data"]["settings"].pop("features") == WIDE
    assert none["data"]["settings"].pop("features") == {}
    assert whole == none
    other = recipes["train-all-features-1"]
    assert other["seed"] == 1
    assert not set(TrainingRecipe.model_validate(other).data.seeds) & set(range(4_000_000, 4_000_150))


def test_a_world_is_trained_and_leaves_a_checkpoint(tmp_path):
    content = tiny_content(optimisation={"epochs": 1})
    recipe = TrainingRecipe.model_validate(content).model_dump(mode="json")
    assert train_on_world(tmp_path, {}, {"recipe": recipe}) == {"phantoms": 8}
    assert load_checkpoint(tmp_path / "checkpoint").labels
    assert not (tmp_path / "work").exists()


def test_the_table_has_a_row_for_each_world_with_its_spread(tmp_path):
    titles = [f"{world}/{seed}" for world in list_worlds() for seed in (0, 1)]
    for number, scan in enumerate(SCANS):
        write_json(
            tmp_path / "judged" / "scans" / f"{number}.json", dict.fromkeys(titles, scan.model_dump(mode="json"))
        )
    findings = [RealFinding(1, title, 2.0 * number, 28, 1, 0.9, ()) for number, title in enumerate(titles)]
    write_json(tmp_path / "real" / "findings.json", [one.__dict__ for one in findings])
    needs = {"judge-worlds": tmp_path / "judged", "real-worlds": tmp_path / "real"}
    tell_worlds(tmp_path / "own", needs, {"seeds": [0, 1]})
    (part,) = read_parts(tmp_path / "own")
    (table,) = part.tables
    assert [row[0] for row in table.rows] == list(list_worlds())
    dice = np.mean([2 / 3, 0.0, 6 / 7])
    assert table.rows[0] == ("all features", f"{dice:.2f} ± 0.00", "0.833 ± 0.000", "1.5 ± 0.0", "1.0 ± 1.4")
    tell_worlds(tmp_path / "own", {"judge-worlds": needs["judge-worlds"]}, {"seeds": [1]})
    (one_seed,) = read_parts(tmp_path / "own")[0].tables
    assert one_seed.rows[1] == ("no features", f"{dice:.2f}", "0.833", "1.5")
    assert ("2 training seeds" in table.notes[1], "one training seed" in one_seed.notes[1]) == (True, True)
