"""What a training step gets: slices with whatever is known of them."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int, Int8, UInt8
from torch import Tensor

from ichnos.cohorts.slice_store import BLEED, MARKS


@dataclass(frozen=True)
class Batch:
    """Slices of a store.

    Attributes:
        rows: their places in the store, to name them where something goes wrong.
        pixels: standardised channels.
        labels: in the order of `cohorts.slice_store.LABELS`; 1, 0 or -1 where nobody labelled.
        marks: bits of `cohorts.slice_store.MARKS`.
        has_mask: whether blood was drawn where there is any; elsewhere `marks` says nothing.
    """

    rows: Int[Tensor, " slices"]
    pixels: Float[Tensor, "slices channels rows columns"]
    labels: Int8[Tensor, "slices 6"]
    marks: UInt8[Tensor, "slices rows columns"]
    has_mask: Bool[Tensor, " slices"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_positive(self) -> Bool[Tensor, " slices"]:
        """Labelled as bleeding."""
        return self.labels[:, 0] == 1

    @property
    def bleed_masks(self) -> Bool[Tensor, "slices rows columns"]:
        """Pixels of blood, of whatever subtype."""
        return (self.marks & BLEED) != 0

    @property
    def brain_masks(self) -> Bool[Tensor, "slices rows columns"]:
        """Pixels of the intracranial cavity."""
        return (self.marks & MARKS["brain"]) != 0

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """The same batch on another device; Lightning calls it."""
        return Batch(
            **{one.name: getattr(self, one.name).to(device, non_blocking=non_blocking) for one in fields(self)}
        )

    def pin_memory(self) -> "Batch":
        """The same batch where a GPU copies from without waiting; the loader calls it."""
        return Batch(**{one.name: getattr(self, one.name).pin_memory() for one in fields(self)})
