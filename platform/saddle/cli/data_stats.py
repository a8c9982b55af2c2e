"""`saddle data stats`: what is in a dataset, and how far apart its classes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from saddle.cli.options import AsJson, DataRoot, accept_storage
from saddle.cli.output.errors import explain

EVERY = 0
"""`--per-class` for all images."""
LISTED = 50
"""So many classes are listed one by one."""


@explain
@accept_storage
def stats(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A known dataset, a folder of class folders (or s3://…), or what a study file says under dataset, "
            "such as '{folder: scans, range: [0, 4095]}'.",
            metavar="[NAME | FOLDER | {…}]",
        ),
    ] = None,
    parquet: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--parquet",
            help="The Parquet files of training and test split, or folders of them, here or s3://….",
            metavar="TRAIN TEST",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", help="Resize images to N × N pixels.", min=4, max=4096),
    ] = None,
    per_class: Annotated[
        int, typer.Option("--per-class", help="Number of random images to measure of each class; 0 for all.", min=EVERY)
    ] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random draw of images.", min=0)] = 0,
    epsilon: Annotated[
        str | None,
        typer.Option(
            "--epsilon",
            help="L∞ attack budget that distances are compared with, such as 0.3 or 8/255.",
            show_default="the dataset's attack budget, or 8/255",
        ),
    ] = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Describe a dataset: sizes, inter-class variance (S3, eq. 8), and other measures of class separation.

    Example: saddle data stats tiny_imagenet --size 32 --json
    """
    from saddle.cli.output.tables import print_json, say

    spec = dataset_spec(name, parquet, size)
    from trainables.datasets import describe, load
    from trainables.datasets.config import known_name

    radius, origin = (parse_epsilon(epsilon), "as given") if epsilon is not None else usual_epsilon(known_name(spec))
    facts = describe(load(spec, data_root), per_class or None, seed, radius)
    if as_json:
        print_json(facts)
        return
    print_contents(facts)
    if "sample" in facts:
        print_separation(facts, radius, origin)
    for line in published_lines(facts):
        say(line)


def print_contents(facts: Mapping[str, Any]) -> None:
    """Sizes, classes, splits and their peculiarities."""
    from saddle.cli.output.tables import print_table, say

    print_table((facts["name"], ""), size_rows(facts))
    splits = splits_of(facts)
    columns = ("class", *(f"{split} images" for split in splits))
    print_table(columns, class_rows(facts, splits))
    if facts["classes"] > LISTED:
        say(f"and {facts['classes'] - LISTED} more classes; --json has them all")
    say(split_text(facts))
    for remark in facts["remarks"]:
        say(f"note: {remark}")


def print_separation(facts: Mapping[str, Any], radius: float, origin: str) -> None:
    """Distances between classes in the drawn sample, and how many images have one of another class within 2ε."""
    from saddle.cli.output.tables import print_table, say

    sample = facts["sample"]
    each = "all" if sample["per_class"] is None else f"at most {sample['per_class']}"
    title = f"{sample['images']} training images, {each} of each class, seed {sample['seed']}; pixels in [0, 1]"
    print_table(("distances between classes", ""), separation_rows(facts), title=title)
    norms = {"L2": facts["nearest_other_class_l2"], "L∞": facts["nearest_other_class_linf"]}
    columns = ("distance to the nearest image of another class", *norms["L2"])
    print_table(columns, [(norm, *spread.values()) for norm, spread in norms.items()])
    share, n = facts["within_two_epsilon"], facts["nearest_other_class_linf"]["n"]
    say(
        f"Of {n} images {share:.1%} have one of another class within 2ε = {2 * radius:.4g} in L∞ "
        f"(ε = {radius:.4g}, {origin}); q5 is the quantile of 5 %."
    )


def size_rows(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is in the dataset; classes and their images are in a separate table."""
    return [(name, facts[name]) for name in (*splits_of(facts), "shape", "masks", "fingerprint")]


def splits_of(facts: Mapping[str, Any]) -> list[str]:
    """The splits that the dataset has."""
    return [split for split in ("train", "validation", "test") if split in facts]


def split_text(facts: Mapping[str, Any]) -> str:
    """Which images are which split, in words."""
    origins = facts["origins"] or dict.fromkeys(splits_of(facts), "as published")
    held_out = [] if "validation" in facts else ["validation: held out of train by each trainable"]
    return "; ".join([*(f"{split}: {origins[split]}" for split in splits_of(facts)), *held_out])


def class_rows(facts: Mapping[str, Any], splits: Sequence[str]) -> list[tuple[str, ...]]:
    """The classes in the order of their labels, each with its images in every split; of many the first."""
    rows = zip(facts["class_names"], *(facts[f"{split}_per_class"] for split in splits), strict=True)
    return [(name, *(f"{count:,}" for count in counts)) for name, *counts in islice(rows, LISTED)]


def separation_rows(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The single numbers, named as in JSON, with their meaning."""
    return [
        ("inter_class_variance (S3, eq. 8: mean L2 distance between classes)", facts["inter_class_variance"]),
        ("inter_class_variance_per_root_d (over √ of pixels and channels)", facts["inter_class_variance_per_root_d"]),
        ("intra_class_distance (mean L2 distance within a class)", facts["intra_class_distance"]),
        ("inter_intra_ratio", facts["inter_intra_ratio"]),
        ("fisher_ratio (scatter between classes over that within)", facts["fisher_ratio"]),
    ]


def published_lines(facts: Mapping[str, Any]) -> list[str]:
    """The published value, ours, and what differs."""
    published = facts["published"]
    if published is None:
        return []
    ours, value, difference = facts["inter_class_variance"], published["value"], published["difference"]
    apart = f"{difference:+.2f} ({difference / value:+.1%})"
    head = f"{published['source']}: {value:.2f} published, {ours:.2f} here, {apart}"
    return [". ".join(filter(None, [head, "; ".join(published["differs"]), published["remark"]])) + "."]


def parse_epsilon(text: str) -> float:
    """A radius, written 0.3 or 8/255; raises `UserError` for other texts."""
    from saddle.errors import UserError

    try:
        epsilon = float(Fraction(text.replace(" ", "")))
    except (ValueError, ZeroDivisionError):
        epsilon = -1.0
    if not 0 <= epsilon <= 1:
        raise UserError(f"--epsilon {text!r} is not a radius between 0 and 1; write 0.3, or 8/255")
    return epsilon


def usual_epsilon(name: str | None) -> tuple[float, str]:
    """The ε that an installed trainable attacks a known dataset with, and whose it is; 8/255 where none says."""
    from saddle.errors import TrainableError
    from saddle.study.trainable.loading import find_trainables, load_trainable
    from trainables.datasets.registry import KNOWN

    for trainable in find_trainables() if name in KNOWN else ():
        try:
            default = load_trainable(trainable).defaults({"dataset": name}, None, None).get("epsilon")
        except TrainableError:  # somebody else's, which has nothing to do with data
            continue
        if default is not None:
            return float(default.value), f"{trainable}'s for {name}: {default.source}"
    return 8 / 255, "the customary one of colour photographs"


def dataset_spec(name: str | None, parquet: tuple[str, str] | None, size: int | None) -> Any:
    """What a study file would say under `dataset`; raises `UserError` if that is nothing or too much."""
    from saddle.errors import UserError
    from saddle.study.nearest import nearest
    from trainables.datasets.registry import KNOWN

    own: dict[str, Any] = {} if size is None else {"size": size}
    if (name is None) == (parquet is None):
        raise UserError("name one dataset, a folder of class folders, or --parquet TRAIN TEST")
    if parquet is not None:
        train, test = parquet
        return {"parquet": {"train": train, "test": test}, **own}
    assert name is not None
    if name in KNOWN:
        return {"known": name, **own}
    if name.lstrip().startswith("{"):
        return {**described(name), **own}
    if name.startswith("s3://") or Path(name).expanduser().is_dir():
        return {"folder": name, **own}
    hint = nearest(name, KNOWN)
    raise UserError(
        f"{name!r} is neither a known dataset ({', '.join(KNOWN)}) nor a folder"
        + (f"; did you mean {hint}?" if hint else "")
    )


def described(text: str) -> Mapping[str, Any]:
    """A dataset as a study file describes it; raises `UserError` if the text is not a mapping."""
    from saddle.errors import UserError
    from saddle.studyfile.yaml_reader import read_documents

    documents, problems = read_documents(text.encode(), "")
    if problems or len(documents) != 1 or not isinstance(documents[0].value, Mapping):
        raise UserError(f"{text!r} describes no dataset; write it as a study file does, such as {{folder: PATH}}")
    return documents[0].value
