"""The parts of the counterfactual GAN that an ablation may remove by name. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.contract import Component

COMPONENTS: Mapping[str, Component] = {
    "class_branch": Component("G learns to classify its input (S1, eq. 3).", off={"lambda2": 0.0}, on={"lambda2": 1.0}),
    "sparsity": Component("G is trained to change little (S1, eq. 4).", off={"lambda3": 0.0}),
    "diversity": Component(
        "G is trained not to damage all images of a batch in the same way, which S1 leaves to the noise.",
        off={"lambda_diversity": 0.0},
        on={"lambda_diversity": 3.0},
    ),
    "cycle": Component(
        "G must map its counterfactuals back (S1, eq. 6).", off={"half_cycles": 1}, on={"half_cycles": 2}
    ),
    "noise": Component(
        "Noise at every upsampling layer (S1, eq. 7).", off={"noise_channels": 0}, on={"noise_channels": 1}
    ),
    "dropout": Component("Dropout in G, when sampling, too (S1, 3.1.1).", off={"dropout": 0.0}, on={"dropout": 0.5}),
    "vector_quantisation": Component(
        "Vector quantisation at G's bottleneck (S1, A.1).", off={"quantised": False}, on={"quantised": True}
    ),
    "nearest_upsampling": Component(
        "G's last upsampling repeats pixels (S1, A.1) instead of expanding patches.",
        off={"last_upsampling": "expand"},
        on={"last_upsampling": "nearest"},
    ),
    "residual": Component(
        "G adds to the image instead of painting the whole image.", off={"residual": False}, on={"residual": True}
    ),
    "averaging": Component(
        "Averages of the networks' weights are evaluated instead of the last weights.",
        off={"generator_average": 0.0, "discriminator_average": 0.0},
        on={"generator_average": 0.97, "discriminator_average": 0.97},
    ),
    "balanced_sampling": Component(
        "Both classes are drawn equally often.", off={"balanced_sampling": False}, on={"balanced_sampling": True}
    ),
}
