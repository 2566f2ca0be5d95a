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

from ichnos.phantoms.bleed import bleed_fields, dilation_mm
from ichnos.phantoms.bleeds import draw_bleeds
from ichnos.phantoms.brain import Brain, brain_fields, draw_brain
from ichnos.phantoms.distractors import distractor_fields, draw_distractors
from ichnos.phantoms.face import face_fields
from ichnos.phantoms.features import draw_features
from ichnos.phantoms.fields import Field, Points
from ichnos.phantoms.grid import Grid, draw_grid
from ichnos.phantoms.head import Head, draw_head, surfaces, warp
from ichnos.phantoms.mass_effect import MassEffect, compress, lift, lifted_mm, mass_effect, narrowed_mm, origins
from ichnos.phantoms.probe import Probe
from ichnos.phantoms.scanner import draw_background, draw_scanner, drift_field, take_scan
from ichnos.phantoms.settings import SUBTYPES, PhantomSettings
from ichnos.phantoms.slices import Content, paint_slices
from ichnos.phantoms.sutures import Sutures, draw_sutures, suture_fields
from ichnos.phantoms.template import Subject, draw_subject, hull_distance, template_fields
from ichnos.phantoms.tissue import draw_radiodensity, draw_texture
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
    grid = draw_grid(pose, settings)
    head, brain = draw_head(anatomy), draw_brain(anatomy)
    hu = draw_radiodensity(anatomy)
    textures = np.stack([draw_texture(anatomy, grid.geometry.shape[1:], grid.pixel_mm) for _ in range(TEXTURES)])
    sutures = draw_sutures(anatomy)
    subject = draw_subject(features.stream("template"), head, brain) if "template" in features else None
    probe = _probe(head, grid, subject)
    distractors = draw_distractors(odd, probe, settings.distractors)
    bleeds = draw_bleeds(choice, bleeding, probe, settings, features)
    scanner = draw_scanner(scanning, settings)
    points = warp(head, grid.lattice_points())
    parts = Anatomy(head, brain, sutures, subject)
    mass = mass_effect(features, bleeds, lambda nodes: _fields(parts, nodes))
    fields = _fields(parts, points, mass, dilation_mm(bleeds))
    fields |= bleed_fields(bleeds, points, fields)
    fields |= lift(mass, points, bleeds, fields)
    fields |= distractor_fields(distractors, points)
    fields["drift"] = drift_field(scanner, hu, points, fields["cavity"])
    background = draw_background(scanner, grid)
    layers = paint_slices(grid, Content(fields, hu, bleeds, distractors, background, textures, subject))
    voxels_hu = take_scan(scanner, layers.voxels_hu, grid, noise)
    least = {bleed.subtype: bleed.labelled_share for bleed in bleeds}
    masks = {n: (share > least[n]) & (layers.cavity > 1.0 - least[n]) for n, share in layers.bleeds.items()}
    return Phantom(
        scan=Scan(voxels_hu=voxels_hu, geometry=grid.geometry),
        bleed_masks={name: mask for name, mask in sorted(masks.items()) if mask.any()},
        brain_mask=layers.cavity > 0.5,
        seed=seed,
        features=features.present,
    )


@dataclass(frozen=True)
class Anatomy:
    """One head and what is in it; `subject` bends the template into it, if it has one."""

    head: Head
    brain: Brain
    sutures: Sutures
    subject: Subject | None


def _probe(head: Head, grid: Grid, subject: Subject | None) -> Probe:
    def cavity(points: Points) -> Field:
        return _surfaces(head, subject, warp(head, points))["cavity"]

    return Probe(cavity, float(grid.heights_mm.min()), float(grid.heights_mm.max()))


def _surfaces(head: Head, subject: Subject | None, points: Points) -> dict[str, Field]:
    return surfaces(head, points, hull_distance(subject, points) if subject else None)


def _fields(
    anatomy: Anatomy, points: Points, mass: MassEffect | None = None, dilation_mm: float = 0.0
) -> dict[str, Field]:
    """All fields but those of bleeds and distractors; the brain is evaluated where its tissue came from."""
    fields = _surfaces(anatomy.head, anatomy.subject, points)
    fields |= face_fields(anatomy.head, points, fields)
    fields |= suture_fields(anatomy.sutures, points)
    came_from = origins(mass, points)
    fields |= brain_fields(anatomy.brain, came_from, fields["cavity"] + lifted_mm(mass, points))
    opened_mm = np.float32(dilation_mm) - narrowed_mm(mass, points)
    fields["ventricles"] = fields["ventricles"] - opened_mm
    if anatomy.subject:
        fields |= template_fields(anatomy.subject, came_from, anatomy.brain.openness.at(came_from), opened_mm)
    return fields | compress(mass, points, fields)
