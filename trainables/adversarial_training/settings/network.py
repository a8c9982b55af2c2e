"""The network. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter

Network = Literal["lenet", "resnet18", "alexnet", "wide_resnet"]


class NetworkSettings(Config):
    """The network of a trial; each has one trunk and a head per task (S3, section 3.1)."""

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
    head: Literal["linear", "angular"] = hyperparameter(
        "linear",
        source="paper",
        description=(
            "linear heads (S3, section 3.1), or angular ones, whose logits are angular_scale times the cosine of the "
            "features with each class's weights: classes differ by direction alone (Deng et al., 2019, ArcFace)."
        ),
    )
    dropout: float = hyperparameter(
        0.0,
        source="assumed",
        ge=0,
        lt=1,
        description="Probability that a feature is dropped before the heads, in training only.",
    )
    denoising: Literal["none", "mean", "median", "non_local"] = hyperparameter(
        "none",
        source="assumed",
        description=(
            "A denoising block after each stage of resnet18 or wide_resnet (Xie et al., 2019): means or medians of "
            "3×3 places, or non_local means over all of them, then a 1×1 convolution, added to the features."
        ),
    )
    angular_margin: float = hyperparameter(
        0.0,
        source="assumed",
        unit="radians",
        ge=0,
        le=1.5,
        description=(
            "Additive angular margin of the main task in the training loss (ArcFace, eq. 3): the angle to the right "
            "class counts as larger by this. Attacks, in training too, and predictions know no margin: they raise the "
            "loss of the plain cosine logits, so that all margins face the same adversary."
        ),
    )
    angular_scale: float = hyperparameter(
        16.0,
        source="assumed",
        gt=0,
        le=256,
        description="Logits of angular heads are cosines times this; ArcFace has 64, at which softmax saturates.",
    )
