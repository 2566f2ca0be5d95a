"""One head and all that is in it: the proportions drawn, the features added, the fields that follow."""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.brain import Brain, brain_fields
from ichnos.phantoms.face import face_fields
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.head import Head, surfaces, warp
from ichnos.phantoms.mass_effect import MassEffect, compress, lifted_mm, narrowed_mm, origins
from ichnos.phantoms.proportions import widen_brain, widen_densities, widen_head, widen_scalp, widen_soft_tissue
from ichnos.phantoms.rim import Rim, draw_rim, rim_fields
from ichnos.phantoms.structures import Structure, draw_structures, structure_fields
from ichnos.phantoms.sutures import Sutures, suture_fields
from ichnos.phantoms.template import Subject, draw_subject, hull_distance, template_fields
from ichnos.phantoms.tissue import Radiodensity


@dataclass(frozen=True)
class Anatomy:
    """One head.

    Attributes:
        head, brain, sutures: its proportions.
        subject: the template bent into it; none where the brain is drawn from functions.
        structures: what else lies in it.
        rim: how brain meets bone.
        meat: patches of muscle and fat under the skin; none for those of the first version.
    """

    head: Head
    brain: Brain
    sutures: Sutures
    subject: Subject | None
    structures: tuple[Structure, ...]
    rim: Rim
    meat: Noise | None

    def cavity(self, points: Points) -> Field:
        """Signed distance to the inner table at positions that are not yet warped."""
        return self.surfaces(warp(self.head, points))["cavity"]

    def surfaces(self, points: Points) -> dict[str, Field]:
        """Signed distances to the surfaces of the head; see `head.surfaces`."""
        return surfaces(self.head, points, hull_distance(self.subject, points) if self.subject else None)


def widen(features: Features, head: Head, brain: Brain, hu: Radiodensity) -> tuple[Head, Brain, Radiodensity]:
    """Change proportions and densities by the features that the head has."""
    if "head-shape" in features:
        head = widen_head(head, features.stream("head-shape"))
    if "scalp" in features:
        rng = features.stream("scalp")
        head, hu = widen_scalp(head, rng), widen_soft_tissue(hu, rng)
    if "brain-shape" in features:
        rng = features.stream("brain-shape")
        brain, hu = widen_brain(brain, rng), widen_densities(hu, rng)
    return head, brain, hu


def complete(features: Features, head: Head, brain: Brain, sutures: Sutures) -> Anatomy:
    """Draw what features add to a head."""
    subject = draw_subject(features.stream("template"), head, brain) if "template" in features else None
    meat = Noise.draw(features.stream("scalp"), 14.0) if "scalp" in features else None
    return Anatomy(head, brain, sutures, subject, draw_structures(features), draw_rim(features), meat)


def body_fields(
    anatomy: Anatomy, points: Points, mass: MassEffect | None = None, dilation_mm: float = 0.0
) -> dict[str, Field]:
    """Fields of head and brain; see the modules they come from for what they mean.

    Args:
        anatomy: of the head.
        points: where; the brain is evaluated where its tissue came from.
        mass: displacement by bleeds.
        dilation_mm: by how much the ventricles' walls are moved out by what fills them.
    """
    fields = anatomy.surfaces(points)
    fields |= face_fields(anatomy.head, points, fields)
    if anatomy.meat:
        fields["lean_meat"] = fields["lean_meat"] + np.float32(0.55) * anatomy.meat.at(points)
    fields |= suture_fields(anatomy.sutures, points)
    came_from = origins(mass, points)
    fields |= brain_fields(anatomy.brain, came_from, fields["cavity"] + lifted_mm(mass, points))
    opened_mm = np.float32(dilation_mm) - narrowed_mm(mass, points)
    fields["ventricles"] = fields["ventricles"] - opened_mm
    if anatomy.subject:
        fields |= template_fields(anatomy.subject, came_from, anatomy.brain.openness.at(came_from), opened_mm)
    return fields | compress(mass, points, fields)


def anatomy_fields(
    anatomy: Anatomy, grid: Grid, points: Points, mass: MassEffect | None, dilation_mm: float
) -> dict[str, Field]:
    """Fields of head and brain, of the structures in them and of the rim, on the lattice of a grid."""
    fields = body_fields(anatomy, points, mass, dilation_mm)
    fields |= rim_fields(anatomy.rim, grid, points, fields["cavity"])
    return fields | structure_fields(anatomy.structures, origins(mass, points), fields)
