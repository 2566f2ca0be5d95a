"""`ichnos import-weights`: a classifier trained elsewhere becomes a checkpoint."""

from pathlib import Path

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.models.checkpoint import Checkpoint, save_checkpoint
from ichnos.models.import_weights import import_swin
from ichnos.models.outputs import name_outputs
from ichnos.preprocessing.recipe import PRESETS as RECIPES
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, timestamp
from ichnos.segmentation.settings import PRESETS as SETTINGS


def run_import_weights(
    source: str, output: Path, preset: str, *, image_size: int | None, overwrite: bool, quiet: bool
) -> None:
    """Write a checkpoint folder with the weights of `source` and the settings of `preset`."""
    if preset not in SETTINGS:
        raise UsageError(f"no preset is called {preset!r}; there are: {', '.join(SETTINGS)}")
    if (output / "ichnos.json").exists() and not overwrite:
        raise UsageError(f"{output} holds a checkpoint; give --overwrite to replace it, or another -o")
    recipe, settings = RECIPES[preset], SETTINGS[preset]
    model, arguments = import_swin(source, image_size, recipe.image_size)
    size = int(arguments["image_size"])
    resized_to = recipe.resized_to and round(recipe.resized_to * size / recipe.image_size)
    recipe = recipe.model_copy(update={"image_size": size, "resized_to": resized_to})
    stages = tuple(stage for stage in settings.stages if stage <= len(arguments["depths"]))
    checkpoint = Checkpoint(
        network={"name": "swin", "arguments": arguments},
        preprocessing=recipe.model_dump(mode="json"),
        segmentation=settings.model_copy(update={"stages": stages}).model_dump(mode="json"),
        labels=name_outputs(int(arguments["outputs"])),
        model=model,
        training={
            "data": f"imported from {Path(source).name}; not known here",
            "data_licence": "not known here; see where the weights came from",
            "preset": preset,
            "imported": timestamp(),
            "versions": collect_versions(),
        },
    )
    save_checkpoint(checkpoint, output, _card(checkpoint, output.name, preset))
    outputs = ", ".join(checkpoint.labels[:6]) + (", …" if len(checkpoint.labels) > 6 else "")
    say(
        f"Wrote {output}: a Swin at {size} pixels with outputs {outputs}. {RESEARCH_USE} "
        f"Next: ichnos segment -m {output} -i YOUR_CT_FOLDER -o results",
        quiet=quiet,
    )


def _card(checkpoint: Checkpoint, name: str, preset: str) -> str:
    return f"""---
library_name: ichnos
tags: [head-ct, intracranial-hemorrhage]
---
# {name}

A Swin transformer whose weights were {checkpoint.training["data"]}. Outputs: {", ".join(checkpoint.labels[:6])}.
Input and segmentation follow the preset `{preset}`; its map threshold was chosen by others, for other weights.
The licence of the weights is that of their source. {RESEARCH_USE}
"""
