import numpy as np

from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.slice_store import BLEED, load_store
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.hgi_sam import METHODS
from ichnos.evaluation.reproduction.hgi_sam_slices import choose_cases
from ichnos.evaluation.reproduction.plan import stage_folder


def test_slices_hold_label_and_prediction_of_every_method(experiment):
    with np.load(stage_folder(experiment, "slices") / "slices.npz") as arrays:
        assert arrays["methods"].tolist() == list(METHODS)
        for row in range(len(arrays["names"])):
            assert arrays[f"label-{row}"].any()
            for column in range(len(METHODS)):
                assert arrays[f"predicted-{row}-{column}"].shape == arrays[f"hu-{row}"].shape


def test_cases_are_the_fullest_of_each_fold_in_turn(experiment):
    frozen = read_folds(stage_folder(experiment, "folds") / "folds.json")
    folds = {name: str(fold) for name, fold in zip(frozen.names, frozen.folds, strict=True)}
    stage = stage_folder(experiment, "test")
    chosen = choose_cases(stage, folds, 2)
    assert [folds[name] for name in chosen] == ["0", "1"]
    store = load_store(stage / "store")
    pixels = {
        name: int(np.count_nonzero(store.marks[np.flatnonzero(store.cases == place)] & BLEED))
        for place, name in enumerate(store.names)
    }
    for name in chosen:
        assert pixels[name] == max(pixels[other] for other in pixels if folds[other] == folds[name])


def test_times_are_told_with_ratios_to_the_unet(experiment):
    (part,) = read_parts(stage_folder(experiment, "times"))
    rows = {row[0]: row for row in part.tables[0].rows}
    assert set(rows) == set(METHODS)
    assert rows["U-Net"][3:] == ("1.0", "1.0")
    assert rows["Swin-HGI-SAM"][1] == "60"
    assert float(rows["Swin-HGI-SAM"][2]) > 0
    assert rows["Swin-SAM multi-label"][1] == "-"
