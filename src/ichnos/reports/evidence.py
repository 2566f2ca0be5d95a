"""The pages that evidence for the bundled models ends with, and the picture of a real scan."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from ichnos.evaluation.evidence.real_scans import RealFinding, read_findings, tell_real
from ichnos.evaluation.reproduction.content import Part, read_parts
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.reports.page import Picture, Section, write_page
from ichnos.runtime.files import replacing
from ichnos.runtime.provenance import RESEARCH_USE

_TILE_PX, _COLUMNS = 132, 7
_OUTLINE = (255, 60, 60)


@dataclass(frozen=True)
class EvidencePage:
    """A page of its own.

    Attributes:
        name: of its folder below `pages`.
        title: its heading.
        stages: finished ones whose parts it shows, in their order.
        told: paragraphs under the heading.
    """

    name: str
    title: str
    stages: tuple[str, ...]
    told: tuple[str, ...]


def write_evidence(folder: Path, pages: Sequence[EvidencePage]) -> list[Path]:
    """Write each page that has a finished stage as `pages/NAME/index.html` and `index.md`; returns the HTML files."""
    written = []
    for page in pages:
        own = folder / "pages" / page.name
        shutil.rmtree(own, ignore_errors=True)
        sections = [Section("How this was made", page.told)]
        for name in page.stages:
            stage = stage_folder(folder, name)
            if (stage / "parts.json").is_file():
                sections += [_show(part, stage, own) for part in read_parts(stage)]
            elif (stage / "findings.json").is_file():
                sections.append(_show_real(stage, own))
        written.append(write_page(page.title, sections, own, RESEARCH_USE))
    return written


def _show(part: Part, stage: Path, own: Path) -> Section:
    pictures = []
    for name, caption in part.pictures:
        (own / "pictures").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stage / "pictures" / name, own / "pictures" / name)
        pictures.append(Picture(own / "pictures" / name, caption))
    return Section(part.title, part.paragraphs, part.tables, tuple(pictures))


def _show_real(stage: Path, own: Path) -> Section:
    findings, pictures = read_findings(stage), []
    models = list(dict.fromkeys(one.model for one in findings))
    with np.load(stage / "masks.npz", allow_pickle=False) as arrays:
        for one in findings:
            voxels_hu = arrays[f"hu-{one.scan}"]
            mask = arrays[f"mask-{one.scan}-{models.index(one.model)}"]
            path = own / "pictures" / f"real-{one.scan}-{one.model}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary, temporary.open("wb") as stream:
                draw_calls(voxels_hu, mask).save(stream, "JPEG", quality=82)
            pictures.append(Picture(path, _caption(one)))
    part = tell_real(findings)
    return Section(part.title, part.paragraphs, part.tables, tuple(pictures))


def _caption(one: RealFinding) -> str:
    return f"Real scan {one.scan}, {one.model}: {one.volume_ml:.1f} mL called blood, outlined in red; 0 to 80 HU."


def draw_calls(voxels_hu: np.ndarray, mask: np.ndarray) -> Image.Image:
    """All slices of a scan in the brain window, feet to head, with outlines.

    Args:
        voxels_hu: (slices, rows, columns).
        mask: of the same shape; True where blood is called.
    """
    rows = -(-len(voxels_hu) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _TILE_PX, rows * _TILE_PX))
    for z in range(len(voxels_hu)):
        grey = np.asarray(np.clip(voxels_hu[z] / 80.0, 0.0, 1.0) * 255.0, dtype=np.uint8)
        size = (_TILE_PX, _TILE_PX)
        pixels = np.array(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR).convert("RGB"))
        down, across = np.nonzero(mask[z])
        called = np.zeros(size, bool)
        called[down * _TILE_PX // mask.shape[1], across * _TILE_PX // mask.shape[2]] = True
        pixels[ndimage.binary_dilation(called) & ~called] = _OUTLINE
        tile = Image.fromarray(pixels)
        ImageDraw.Draw(tile).text((3, 1), str(z + 1), fill=(230, 230, 90))
        sheet.paste(tile, (z % _COLUMNS * _TILE_PX, z // _COLUMNS * _TILE_PX))
    return sheet
