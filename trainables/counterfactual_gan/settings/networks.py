"""The networks: generator and discriminator. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter

GeneratorKind = Literal["cnn_unet", "swin_unet"]
DiscriminatorKind = Literal["resnet3", "resnet18", "resnet50", "swin_tiny", "swin_small", "hybrid"]


class NetworkSettings(Config):
    """The two networks; each of S1's changes to the generator can be switched off."""

    generator: GeneratorKind = hyperparameter("cnn_unet", source="paper", description="The generator G.")
    generator_width: int = hyperparameter(
        64,
        source="customary",
        ge=4,
        le=512,
        description="cnn_unet: channels at full size; swin_unet: dimension of the embedding, customarily 96.",
    )
    generator_levels: int = hyperparameter(
        4,
        source="customary",
        ge=1,
        le=7,
        description="Number of times that G halves the image; in a Swin UNet the number of stages.",
    )
    noise_channels: int = hyperparameter(
        1,
        source="assumed",
        ge=0,
        le=64,
        description="c of S1, eq. 7: channels of noise that every upsampling layer is given; 0: none.",
    )
    noise_dim: int = hyperparameter(
        16, source="assumed", ge=1, le=1024, description="d of S1, eq. 7: length of the noise vector."
    )
    dropout: float = hyperparameter(
        0.5,
        source="customary",
        ge=0,
        lt=1,
        description="Dropout in G's innermost decoder blocks, on when sampling, too (pix2pix; S1, 3.1.1); 0: none.",
    )
    quantised: bool = hyperparameter(
        False, source="paper", description="Vector quantisation at G's bottleneck; S1 has it in the Swin UNet."
    )
    residual: bool = hyperparameter(
        False, source="paper", description="G(x) is x plus what G paints, as in CounteRGAN; else G paints all of it."
    )
    last_upsampling: Literal["nearest", "expand"] = hyperparameter(
        "nearest",
        source="paper",
        description="G's last upsampling: to the nearest pixel (S1's change), or Swin-Unet's patch expansion.",
    )
    generator_pretrained: bool = hyperparameter(
        False, source="assumed", description="Start swin_unet's encoder from ImageNet weights, as S1 does."
    )
    discriminator: DiscriminatorKind = hyperparameter(
        "resnet18", source="paper", description="The discriminator and classifier D; hybrid: ResNet3 and Swin-Tiny."
    )
    discriminator_width: int = hyperparameter(
        64,
        source="customary",
        ge=4,
        le=512,
        description="ResNets and hybrid: channels of the first stage; Swins: the embedding, customarily 96.",
    )
    discriminator_pretrained: bool = hyperparameter(
        False, source="assumed", description="Start D from ImageNet weights; S1 doesn't say whether it does."
    )
    fusion: Literal["features", "logits"] = hyperparameter(
        "features",
        source="assumed",
        description="How hybrid combines its two networks: one head on both features, or the mean of their logits.",
    )
    norm: Literal["group", "batch"] = hyperparameter(
        "group",
        source="assumed",
        description="Normalisation of convolutional networks; group keeps real and generated images apart.",
    )
