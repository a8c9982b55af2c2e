"""What is trained: the network. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter

Network = Literal["lenet", "resnet18", "alexnet", "wide_resnet"]


class NetworkSettings(Config):
    """The network of a trial; each has one trunk and a linear head per task (S3, section 3.1)."""

    network: Network = hyperparameter(
        "lenet", source="paper", description="The network; S3's Table 2 names one per dataset."
    )
    width: int = hyperparameter(
        16,
        source="official code",
        ge=1,
        le=256,
        description=(
            "lenet: capacity w, convolutions of 2w and 4w channels and 64w units; resnet18 and alexnet: channels of "
            "the first stage, 64 in the customary network; wide_resnet: the factor k of WRN-depth-k."
        ),
    )
    depth: int = hyperparameter(
        32, source="paper", unit="layers", ge=8, le=200, description="Depth of wide_resnet; the others ignore it."
    )
    depth_rule: Literal["madry", "zagoruyko"] = hyperparameter(
        "madry",
        source="customary",
        description=(
            "Blocks per stage of wide_resnet: (depth - 2) / 6 as in Madry et al.'s w32-10, which S3's 32 fits, or "
            "(depth - 4) / 6 as in Zagoruyko and Komodakis."
        ),
    )
