"""The models that come with the package, by name; trained on phantoms only (see their cards). Loads no torch."""

from importlib.resources import files
from pathlib import Path

from ichnos.errors import UsageError
from ichnos.runtime.names import name_unknown

BUNDLED: dict[str, str] = {
    "phantom-unet": "a U-Net that learned from masks of phantoms; tells subtypes",
    "phantom-swin-hgi": "a Swin classifier that learned from slice labels; HGI-SAM makes its masks",
}
"""Name of each, which is also that of its folder below `weights`, and what it is."""

DEFAULT = "phantom-unet"
"""What segments where nobody asks for another."""

DEFAULT_CLASSIFIER = "phantom-swin-hgi"
"""What is explained where nobody asks for another: a segmentation network has no answer per slice to explain."""


def bundled_checkpoint(name: str = DEFAULT) -> Path:
    """Folder of a bundled model.

    Raises:
        UsageError: none is called so.
    """
    if name not in BUNDLED:
        raise UsageError(name_unknown(name, BUNDLED, "bundled model"))
    return Path(str(files("ichnos"))) / "weights" / name


def find_model(asked: Path | str | None) -> Path:
    """The checkpoint folder that a user means: a path that exists, or else a bundled model's name.

    Args:
        asked: a folder or a name; None for `DEFAULT`.

    Raises:
        UsageError: neither a folder nor the name of a bundled model.
    """
    if asked is None:
        return bundled_checkpoint()
    if Path(asked).exists():
        return Path(asked)
    if str(asked) not in BUNDLED:
        raise UsageError(f"{name_unknown(str(asked), BUNDLED, 'bundled model')}; or give the folder of a checkpoint")
    return bundled_checkpoint(str(asked))
