"""Constants for estimating the work of attacks. Imports nothing."""

from __future__ import annotations

FORWARD_AND_ALL = 3
"""A training step also takes the gradients of the weights."""
FORWARD_AND_INPUT = 2
"""A step of an attack costs a forward pass and the gradient of the images: twice the forward pass."""

STANDING = 0.5
"""The share of images assumed to be left standing after the first attack, on which those of sets and the ladder run.

For MNIST it is a little more, for CIFAR-10 a fifth. An image that is fooled costs nothing any more, neither in
later attacks nor in the remaining steps of this one; the latter isn't counted, so estimates are on the high side.
"""
