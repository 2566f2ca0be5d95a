"""The transformers whose attention can be recorded, and where their blocks are.

A family is known by the class of its blocks, which must call transformers' `AttentionInterface`
with `block.attention` as the module. Swin attends within tiles of a stage's token grid; the others
attend over the whole image, which is one stage with one tile.
"""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from ichnos.errors import UsageError


@dataclass(frozen=True)
class Family:
    """What has to be known of a kind of transformer.

    Attributes:
        first_norm: attribute of a block that holds the norm before its attention.
        is_tiled: whether a block attends within tiles, and may shift them.
    """

    first_norm: str
    is_tiled: bool = False


FAMILIES = {
    "SwinLayer": Family("layernorm_before", is_tiled=True),
    "ViTLayer": Family("layernorm_before"),
    "DeiTLayer": Family("layernorm_before"),
    "BeitLayer": Family("layernorm_before"),
    "Dinov2Layer": Family("norm1"),
    "Dinov2WithRegistersLayer": Family("norm1"),
}
"""By the class of the blocks. Known by name, so that no architecture is imported that is not used."""


@dataclass(frozen=True)
class Block:
    """A block of a transformer.

    Attributes:
        module: the block itself.
        stage: 1-based, as in the papers; 1 for transformers without stages.
        number: 0-based within its stage.
        family: what kind of block it is.
    """

    module: nn.Module
    stage: int
    number: int
    family: Family

    @property
    def attention(self) -> nn.Module:
        """What it hands to the attention interface as itself."""
        return self.module.get_submodule("attention")

    @property
    def first_norm(self) -> nn.Module:
        """The norm before its attention."""
        return self.module.get_submodule(self.family.first_norm)


@dataclass(frozen=True)
class Anatomy:
    """The parts of a network that recording needs.

    Attributes:
        transformer: outermost transformer of the network.
        blocks: in the order in which they run.
        patches: the convolution that cuts the image into tokens.
    """

    transformer: PreTrainedModel
    blocks: tuple[Block, ...]
    patches: nn.Module

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return self.blocks[-1].stage

    @property
    def is_tiled(self) -> bool:
        """Whether attention stays within tiles."""
        return self.blocks[0].family.is_tiled


def find_anatomy(model: nn.Module) -> Anatomy:
    """Find the transformer in a network.

    Raises:
        UsageError: there is none of a known family.
    """
    modules = list(model.named_modules())
    transformers = [module for _, module in modules if isinstance(module, PreTrainedModel)]
    groups = [group for _, module in modules if (group := _blocks_of(module))]
    patches = [module for name, module in modules if name.endswith("patch_embeddings.projection")]
    if not transformers or not groups or not patches:
        kinds = ", ".join(name.removesuffix("Layer") for name in FAMILIES)
        raise UsageError(
            f"{type(model).__name__} holds no transformer whose attention can be recorded; those of {kinds} in "
            "Hugging Face transformers can"
        )
    blocks = tuple(
        Block(module, stage, number, family)
        for stage, group in enumerate(groups, start=1)
        for number, (module, family) in enumerate(group)
    )
    return Anatomy(transformers[0], blocks, patches[0])


def _blocks_of(module: nn.Module) -> list[tuple[nn.Module, Family]]:
    """Blocks that a list of modules holds directly: a stage of a Swin, all of a ViT."""
    if not isinstance(module, nn.ModuleList):
        return []
    kinds = [(child, _family_of(child)) for child in module]
    return [(child, family) for child, family in kinds if family is not None]


def _family_of(module: nn.Module) -> Family | None:
    names = [kind.__name__ for kind in type(module).__mro__]
    return next((FAMILIES[name] for name in names if name in FAMILIES), None)
