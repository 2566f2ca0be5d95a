"""One scan's page: what was found, millilitres by subtype, what to look at, and the picture; one HTML file."""

from pathlib import Path

from ichnos.evaluation.tables import Table
from ichnos.reports.page import Picture, Section, render_page
from ichnos.runtime.files import write_text
from ichnos.segmentation.segmentation import Segmentation


def write_report(result: Segmentation, overlay: Path, path: Path, title: str) -> None:
    """Write the page of a segmentation.

    Args:
        result: what was found.
        overlay: its picture, as `write_overlay` wrote it; becomes part of the page.
        path: ends in .html.
        title: the caller keeps patient names out of it.
    """
    write_text(path, render_page(title, make_sections(result, overlay)))


def make_sections(result: Segmentation, overlay: Path) -> tuple[Section, ...]:
    """The sections of the page."""
    flags = result.flags or ("Nothing was flagged.",)
    model = f"Model: {result.provenance.get('model', 'unknown')}, trained on {result.provenance.get('trained_on')}."
    caption = "Slices from feet to head, patient right on the left; above each its number and P(bleed)."
    return (
        Section("What to look at first", flags),
        Section("What was found", (model,), (_measures(result), *_subtypes(result))),
        Section("Slices", pictures=(Picture(overlay, caption),)),
    )


def _measures(result: Segmentation) -> Table:
    bleeding = int(result.bleed_mask.voxels.any(axis=(1, 2)).sum())
    rows = (
        ("volume of bleed", f"{result.volume_ml:.1f} mL"),
        ("slices with bleed", f"{bleeding} of {len(result.slice_probabilities)}"),
        ("P(bleed) of the most suspicious slice", f"{result.probability:.2f}"),
        ("intracranial mask", f"{result.brain_mask.volume_ml:.0f} mL"),
    )
    return Table("Measures", ("measure", "value"), rows)


def _subtypes(result: Segmentation) -> tuple[Table, ...]:
    volumes_ml = result.subtype_volumes_ml
    if not volumes_ml:
        return ()
    rows = tuple((name, f"{volume_ml:.1f} mL") for name, volume_ml in volumes_ml.items())
    return (Table("Volume by subtype", ("subtype", "volume"), rows),)
