"""The front door: a seed becomes a head CT with bleeds of known shape.

Not modelled without features (see `features`): mass effect, sedimentation, ageing of blood. Not modelled
at all: tumour bleeds, vascular malformations, contrast agent, the folia of the cerebellum, gyri as named
ones (their pattern is random), children's heads, brain that herniates through tentorium or foramen magnum,
collections that are dark all over (chronic subdural ones: readers do not label them as haemorrhage), and
the scanner's physics: beam hardening, streaks, motion and reconstruction kernels are imitated in the image,
not projected.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from ichnos.phantoms.anatomy import anatomy_fields, body_fields, complete, widen
from ichnos.phantoms.bleed import bleed_fields, dilation_mm
from ichnos.phantoms.bleeds import draw_bleeds
from ichnos.phantoms.brain import draw_brain
from ichnos.phantoms.distractors import distractor_fields, draw_distractors
from ichnos.phantoms.features import draw_features
from ichnos.phantoms.furniture import furnish
from ichnos.phantoms.head import draw_head, warp
from ichnos.phantoms.imaging import image_scan
from ichnos.phantoms.look_alike import look_alike_fields
from ichnos.phantoms.look_alikes import draw_look_alikes
from ichnos.phantoms.mass_effect import lift, mass_effect
from ichnos.phantoms.probe import Probe
from ichnos.phantoms.rim import hardening_field
from ichnos.phantoms.scanner import draw_background, draw_scanner, drift_field
from ichnos.phantoms.settings import SUBTYPES, PhantomSettings
from ichnos.phantoms.slices import Content, paint_slices
from ichnos.phantoms.sutures import draw_sutures
from ichnos.phantoms.tissue import draw_radiodensity, draw_texture
from ichnos.phantoms.views import draw_view
from ichnos.scans.scan import Scan

TEXTURES = 6
"""Texture images per phantom; neighbouring slices blend two of them."""


@dataclass(frozen=True)
class Phantom:
    """A synthetic head CT and the truth about it.

    Attributes:
        scan: HU with exact geometry.
        bleed_masks: by subtype, only those present.
        brain_mask: the cranial cavity inside the inner table.
        seed: from which it can be made again.
        features: what it has beyond the first version, by name; see `features.FEATURES`.
    """

    scan: Scan
    bleed_masks: dict[str, Bool[np.ndarray, "slices rows columns"]]
    brain_mask: Bool[np.ndarray, "slices rows columns"]
    seed: int
    features: frozenset[str] = frozenset()

    @property
    def bleed_mask(self) -> Bool[np.ndarray, "slices rows columns"]:
        """Union of the subtypes' masks."""
        union = np.zeros_like(self.brain_mask)
        for mask in self.bleed_masks.values():
            union |= mask
        return union

    @property
    def slice_labels(self) -> Bool[np.ndarray, " slices"]:
        """Whether each slice shows a bleed of any subtype."""
        return np.asarray(self.bleed_mask.any(axis=(1, 2)))

    @property
    def subtype_labels(self) -> dict[str, Bool[np.ndarray, " slices"]]:
        """For each of the five subtypes, whether each slice shows it."""
        none = np.zeros(len(self.brain_mask), bool)
        return {
            name: np.asarray(self.bleed_masks[name].any(axis=(1, 2))) if name in self.bleed_masks else none
            for name in SUBTYPES
        }


def make_phantom(seed: int, settings: PhantomSettings = PhantomSettings()) -> Phantom:  # noqa: B008 - frozen
    """Make the phantom of a seed; the same seed and settings give the same bits.

    Head, choice of bleeds, bleeds, distractors, scanner and noise have random streams of their
    own: with `bleed_probability` 0 the same seed gives the same head under the same scanner.
    """
    features = draw_features(seed, settings.features)
    streams = np.random.SeedSequence(seed).spawn(7)
    anatomy, choice, bleeding, odd, pose, scanning, noise = (np.random.default_rng(s) for s in streams)
    grid = draw_view(features, pose, settings)
    head, brain, hu = widen(features, draw_head(anatomy), draw_brain(anatomy), draw_radiodensity(anatomy))
    textures = np.stack([draw_texture(anatomy, grid.geometry.shape[1:], grid.pixel_mm) for _ in range(TEXTURES)])
    body = complete(features, head, brain, draw_sutures(anatomy))
    probe = Probe(body.cavity, float(grid.heights_mm.min()), float(grid.heights_mm.max()))
    distractors = draw_distractors(odd, probe, settings.distractors)
    bleeds = draw_bleeds(choice, bleeding, probe, settings, features)
    scanner = draw_scanner(scanning, settings)
    points = warp(head, grid.lattice_points())
    mass = mass_effect(features, bleeds, lambda nodes: body_fields(body, nodes))
    fields = anatomy_fields(body, grid, points, mass, dilation_mm(bleeds))
    fields |= bleed_fields(bleeds, points, fields)
    fields |= lift(mass, points, bleeds, fields)
    fields |= distractor_fields(distractors, points)
    look_alikes = draw_look_alikes(features, probe)
    fields |= look_alike_fields(look_alikes, points, fields)
    fields["drift"] = drift_field(scanner, hu, points, fields["cavity"])
    if "hardening" in features:
        fields["drift"] += hardening_field(body.rim, points)
    background = draw_background(scanner, grid)
    if "table" in features:
        background = furnish(features.stream("table"), background, grid)
    layers = paint_slices(
        grid, Content(fields, hu, bleeds, distractors, background, textures, body.structures, body.subject, look_alikes)
    )
    voxels_hu = image_scan(features, scanner, layers, grid, noise)
    least = {bleed.subtype: bleed.labelled_share for bleed in bleeds}
    masks = {n: (share > least[n]) & (layers.cavity > 1.0 - least[n]) for n, share in layers.bleeds.items()}
    return Phantom(
        scan=Scan(voxels_hu=voxels_hu, geometry=grid.geometry),
        bleed_masks={name: mask for name, mask in sorted(masks.items()) if mask.any()},
        brain_mask=layers.cavity > 0.5,
        seed=seed,
        features=features.present,
    )
