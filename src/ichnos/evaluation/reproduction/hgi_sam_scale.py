"""Sizes of the first paper's experiment; why the small one is as it is stands in `small_world`."""

from ichnos.evaluation.reproduction.scale import VALIDATION_FRACTION, HgiSamScale, Phantoms, RecipeChoice
from ichnos.evaluation.reproduction.small_world import SMALL_GRID, SMALL_WORLD, WHOLE_WORLD
from ichnos.runtime.names import choose_by_name

_SMALL_SWIN = {
    "network": {"arguments": {"image_size": 64, "tile_size": 4, "depths": [2, 2, 2]}},
    "objective": {"obvious_epochs": 5},
    "preprocessing": SMALL_GRID,
    "augmentation": {"rotation_degrees": 10, "noise": 0.0},
    "data": {"validation_fraction": VALIDATION_FRACTION},
    "optimisation": {"epochs": 10},
}
_BARE_MAPS = {"bleed_hu": None, "bleed_contrast_hu": None, "minimum_ml": 0.0}
"""No rule on HU: the papers threshold maps only."""

_SMALL_MASKS = {
    "preprocessing": SMALL_GRID,
    "data": {"validation_fraction": 0.15},
    "optimisation": {"epochs": 16},
}

HGI_SAM_SCALES = {
    "phantom": HgiSamScale(
        name="phantom",
        weak_phantoms=Phantoms(400, 200_000, {**SMALL_WORLD, "bleed_probability": 0.9}),
        test_phantoms=Phantoms(36, 300_000, {**SMALL_WORLD, "bleed_probability": 0.75}),
        recipes={
            "sam-multi": RecipeChoice("phantom-sam-multi", _SMALL_SWIN),
            "sam-binary": RecipeChoice("phantom-sam-binary", _SMALL_SWIN),
            "hgi-sam": RecipeChoice(
                "phantom-demo",
                {
                    **_SMALL_SWIN,
                    "network": {"arguments": {"outputs": 2}},
                    "objective": {"obvious_epochs": 0},
                    "start": {"checkpoint": "sam-binary", "parts": ["transformer.swin"]},
                    "segmentation": {"method": "hgi-sam", "stages": [1, 2, 3], **_BARE_MAPS},
                    "optimisation": {"epochs": 6, "learning_rate": 3e-4, "patience": 0},
                },
            ),
            "unet": RecipeChoice(
                "phantom-light-unet",
                {
                    **_SMALL_MASKS,
                    "network": {"arguments": {"widths": [12, 24, 48, 96]}},
                    "optimisation": {"epochs": 16, "batch_size": 8, "learning_rate": 3e-3},
                },
            ),
            "swin-unetr": RecipeChoice("phantom-swin-unetr", {**_SMALL_MASKS, "optimisation": {"epochs": 8}}),
        },
        folds=3,
        seeds=(0, 1, 2),
        repeated=("sam-multi", "sam-binary", "hgi-sam", "unet"),
        grid="native",
        smaller=(
            "400 weakly labelled phantoms of 12 slices instead of 752,803 slices of RSNA 2019",
            "36 test phantoms of 12 slices of 128 x 128 pixels instead of 75 scans of PhysioNet ct-ich; 3 folds "
            "instead of 5",
            "an easy world: bleeds within the brain and its ventricles only, no look-alikes, a quiet scanner",
            "inputs of 64 x 64 pixels instead of 384; a Swin of three stages (depths 2, 2, 2, 0.57 million weights) "
            "instead of Swin-B, trained from scratch for 10 epochs, the fine-tuning for 6; the first 5 of the 10 see "
            "obvious bleeds only (ADR 0008)",
            "U-Net widths 12 to 96 instead of 24 to 192, 16 epochs in batches of 8 at a learning rate of 3e-3 instead "
            "of 1e-3 (at 1e-3 and in batches of 16 it found nothing in that time); Swin-UNETR 8 epochs, one seed",
        ),
    ),
    "paper": HgiSamScale(
        name="paper",
        weak_phantoms=Phantoms(20_000, 200_000, WHOLE_WORLD),
        test_phantoms=Phantoms(75, 300_000, WHOLE_WORLD),
        recipes={
            "sam-multi": RecipeChoice("paper-sam-multi"),
            "sam-binary": RecipeChoice("paper-sam-binary"),
            "hgi-sam": RecipeChoice("paper-hgi-sam"),
            "unet": RecipeChoice("paper-light-unet"),
            "swin-unetr": RecipeChoice("paper-swin-unetr"),
        },
        folds=5,
        seeds=(0,),
        repeated=(),
        grid="384",
    ),
}


def choose_hgi_sam_scale(name: str) -> HgiSamScale:
    """The size of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(HGI_SAM_SCALES, name, "scale")
