from evaluation.evidence.judged_scans import SCANS

from ichnos.evaluation.evidence.ablation import place, plan_ablation, read_ablation_recipe
from ichnos.evaluation.evidence.students import plan_students, teach, tell_students, train_student
from ichnos.evaluation.evidence.worlds import list_worlds
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.plan import Plan
from ichnos.evaluation.reproduction.scale import merge
from ichnos.models.checkpoint import load_checkpoint
from ichnos.runtime.files import write_json
from ichnos.training.recipe import TrainingRecipe

TEACHER = {"model": "phantom-swin-hgi", "sha256": "abc"}


def test_a_student_differs_from_the_network_of_exact_masks_in_its_objective_alone():
    recipe = read_ablation_recipe()
    stages = [
        *plan_ablation(recipe, range(2), 3, "scan"),
        *plan_students(recipe, TEACHER, range(2), 3, "scan"),
    ]
    settings = {stage.name: stage.settings for stage in Plan(tuple(stages)).stages}
    for seed in range(2):
        masks = settings[f"train-all-features-{seed}"]["recipe"]
        student = settings[f"train-student-{seed}"]["recipe"]
        assert student["objective"]["view"] == masks["augmentation"]
        assert {key for key in masks if masks[key] != student[key]} == {"objective", "augmentation"}
    assert {"judge-worlds", "judge-students", "real-students"} < set(settings)


def test_a_student_learns_without_masks_and_leaves_a_checkpoint(tmp_path):
    small = {
        "data": {
            "phantoms": 6,
            "settings": {"slices": 6, "rows": 64, "columns": 64, "bleed_probability": 1.0},
            "validation_fraction": 0.4,
        },
        "optimisation": {"epochs": 1, "batch_size": 4},
    }
    recipe = teach(place(merge(read_ablation_recipe(), small), list_worlds()["no features"], 0))
    figures = train_student(tmp_path, {}, {"recipe": recipe, "teacher": TEACHER})
    assert 0 < figures["seen_by_the_teacher"] <= figures["bleeding_slices"]
    checkpoint = load_checkpoint(tmp_path / "checkpoint")
    assert len(checkpoint.labels) == 1
    assert TrainingRecipe.model_validate(checkpoint.training["recipe"]).objective["uses_masks"] is False
    assert not (tmp_path / "work").exists()


def test_teacher_and_student_stand_beside_exact_masks(tmp_path):
    exact, taught = SCANS[0].model_dump(mode="json"), SCANS[1].model_dump(mode="json")
    without = SCANS[2].model_dump(mode="json")
    for number in (0, 1):
        write_json(tmp_path / "worlds" / "scans" / f"{number}.json", {"all features/0": [exact, without][number]})
        write_json(
            tmp_path / "students" / "scans" / f"{number}.json",
            {"student/0": [taught, without][number], "teacher": [exact, without][number]},
        )
    needs = {"judge-worlds": tmp_path / "worlds", "judge-students": tmp_path / "students"}
    tell_students(tmp_path / "own", needs, {"seeds": [0], "teacher": "phantom-swin-hgi"})
    (part,) = read_parts(tmp_path / "own")
    (table,) = part.tables
    assert [row[0] for row in table.rows] == ["exact masks", "maps of phantom-swin-hgi", "(phantom-swin-hgi itself)"]
    dice = {row[0]: row[1] for row in table.rows}
    assert (dice["exact masks"], dice["maps of phantom-swin-hgi"]) == ("0.33", "0.86")
    assert "no mask" in table.notes[-1]
