"""Attacks compared: none raises accuracy, none that is stronger by construction does worse. Items 3, 4, 5 and 9."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.contract import CheckItem, CheckVerdict
from trainables.evaluation.checklist import losses, strongest
from trainables.evaluation.checklist.ascent import ascend
from trainables.evaluation.checklist.bounds import CONFIDENCE, at_most, lower_bound, more_often, worst
from trainables.evaluation.checklist.evidence import LONG, RESTARTS, Evidence

MOVES = 0.005
"""Half a point: how much a further budget, or a weaker attack, may lower the worst case."""


def worst_case(evidence: Evidence) -> CheckItem:
    """The worst case over all attacks, per image; no attack above clean accuracy, and no claim above the worst case."""
    right, n = evidence.right, evidence.n
    accuracies = {name: ~trace.last_fooled for name, trace in evidence.single.items()}
    if evidence.claimed_images is not None:
        accuracies["claimed_attack"] = ~evidence.network.fooled(evidence.claimed_images, evidence.main)
    surviving = evidence.standing & ~evidence.square
    if evidence.transferred is not None:
        surviving = surviving & ~evidence.network.fooled(evidence.transferred, evidence.main)
    numbers = {"n": float(n), "clean": float(right.sum()), "worst_case": float(surviving.sum())}
    numbers |= {name: float(accurate.sum()) for name, accurate in accuracies.items()}
    numbers["chance"] = 1 / evidence.classes
    problems: list[str] = []
    verdict: CheckVerdict = "pass"
    if lower_bound(int(right.sum()), n, CONFIDENCE) <= 1 / evidence.classes:
        verdict = "fail"
        problems.append(
            f"{int(right.sum())} of {n} clean images are classified correctly, which is no better than chance"
        )
    for name, accurate in accuracies.items():
        gained, lost = int((accurate & ~right).sum()), int((right & ~accurate).sum())
        if gained > lost + 1:
            above = "fail" if more_often(gained, lost) else "warn"
            verdict = worst(verdict, above)  # type: ignore[arg-type]
            problems.append(f"under {name} {gained - lost} more images are classified correctly than without an attack")
    if (claimed := evidence.context.claimed) is not None:
        broken = int((claimed.to(surviving.device) & ~surviving).sum())
        numbers |= {"claimed": float(claimed.sum()), "claimed_and_fooled": float(broken)}
        above_claim = at_most(broken, n, MOVES)
        if above_claim != "pass":
            verdict = worst(verdict, above_claim)
            problems.append(
                f"{int(claimed.sum())} of {n} images count as robust, and {broken} of these are fooled within ε: the "
                "evaluation is too weak"
            )
    says = f"{int(surviving.sum())} of {n} images withstand everything; no attack helps"
    return CheckItem("worst_case", verdict, numbers, "; ".join(problems) or says)


def budget(evidence: Evidence) -> CheckItem:
    """Further starts and steps lower the strongest attack's accuracy by less than half a point."""
    standing, n = evidence.standing, evidence.n
    which = standing.nonzero().squeeze(1)
    further = 0
    if len(which):
        further = int(strongest.restarted(evidence, which, RESTARTS - 1, LONG).sum())
    short, long = ((evidence.right & ~trace.fooled).sum() for trace in (evidence.pgd, evidence.pgd_long))
    numbers = {
        "n": float(n),
        "pgd_20": float(short),
        "pgd_100": float(long),
        "strongest": float(standing.sum()),
        "strongest_with_five_starts": float(standing.sum()) - further,
        "moved": float(further),
    }
    verdict = at_most(further, n, MOVES)
    says = f"four further starts of 100 steps fool {further} of the {len(which)} remaining images"
    return CheckItem("budget", verdict, numbers, says)


def iterative(evidence: Evidence) -> CheckItem:
    """Iterated attacks also fool what a single step or random noise fools."""
    right, n = evidence.right, evidence.n
    iterated = evidence.pgd.fooled | evidence.cw_linf.fooled | evidence.pgd_long.fooled
    single = int((right & evidence.fgsm.last_fooled & ~iterated).sum())
    noise, by_noise = right & evidence.noise_fooled, int((right & evidence.noise_fooled & ~iterated).sum())
    numbers = {
        "n": float(n),
        "fooled_by_fgsm": float((right & evidence.fgsm.last_fooled).sum()),
        "fooled_by_iterated": float((right & iterated).sum()),
        "fooled_by_noise": float(noise.sum()),
        "by_fgsm_alone": float(single),
        "by_noise_alone": float(by_noise),
    }
    problems = []
    verdict = worst(at_most(single, n, MOVES), at_most(by_noise, n, MOVES))
    if at_most(single, n, MOVES) != "pass":
        problems.append(f"{single} images are fooled by a single step and by no iterated attack")
    if at_most(by_noise, n, MOVES) != "pass":
        problems.append(f"{by_noise} images are fooled by random noise and by no attack with gradients")
    says = f"noise fools {int(noise.sum())}, a step {int(numbers['fooled_by_fgsm'])}, "
    says += f"iterated attacks {int(numbers['fooled_by_iterated'])} of {int(right.sum())}"
    return CheckItem("iterative", verdict, numbers, "; ".join(problems) or says)


def targeted(evidence: Evidence) -> CheckItem:
    """Success at the target class and at any wrong class; targeted attacks fool hardly more than untargeted ones."""
    right, n = evidence.right, evidence.n
    trace = evidence.targeted
    answers = evidence.network.logits(trace.last).float().nan_to_num(0.0, 1e30, -1e30).argmax(1)
    reached = int((right & (answers == evidence.targets)).sum())
    fooled = right & trace.fooled
    iterated = evidence.pgd.fooled | evidence.cw_linf.fooled | evidence.pgd_long.fooled
    alone = int((fooled & ~iterated).sum())
    numbers = {
        "n": float(n),
        "reached_target": float(reached),
        "fooled": float(fooled.sum()),
        "fooled_by_untargeted": float((right & iterated).sum()),
        "by_targeted_alone": float(alone),
    }
    says = f"{reached} of {int(right.sum())} images end in their target, {int(fooled.sum())} in any wrong class"
    # a random target is the weaker attack: if it fools what others don't, gradients are typically masked
    verdict = at_most(alone, n, 0.05)
    if verdict != "pass":
        says += f"; {alone} withstand every untargeted attack"
    return CheckItem("targeted", verdict, numbers, says)


def heads(evidence: Evidence) -> CheckItem:
    """Whether knowing the auxiliary heads and labels gives an attacker more, and whether labels leak."""
    known = min(len(evidence.heads), evidence.labels.shape[1])
    if known < 2:
        why = "there is only one head" if len(evidence.heads) < 2 else "no auxiliary labels are given"
        numbers = {"heads": float(len(evidence.heads))}
        return CheckItem("heads", "not run", numbers, f"{why}, so there are no auxiliary tasks to attack")
    fooled_by_any = torch.zeros_like(evidence.right)
    numbers = {"n": float(evidence.n), "heads": float(known)}
    which = evidence.standing.nonzero().squeeze(1)
    for name, loss in (("all_heads", losses.all_heads), ("auxiliary_heads", losses.auxiliary_heads)):
        fooled = torch.zeros(0, dtype=torch.bool)
        if len(which):
            noise = evidence.noise(name)[which.cpu()]
            fooled = ascend(
                evidence.network, evidence.images[which], evidence.labels[which], loss,
                epsilon=evidence.epsilon, steps=50, noise=noise,
            ).fooled  # fmt: skip
            fooled_by_any[which[fooled]] = True
        numbers[f"by_{name}_alone"] = float(fooled.sum())
    problems = []
    verdict = at_most(int(fooled_by_any.sum()), evidence.n, MOVES)
    if verdict != "pass":
        problems.append(
            f"attacks that know the auxiliary heads fool {int(fooled_by_any.sum())} images that no other one fools"
        )
    numbers["named_by_auxiliary_labels"] = float(_named(evidence.labels, evidence.classes))
    if numbers["named_by_auxiliary_labels"]:
        verdict = "fail"
        problems.append("the auxiliary labels together determine the main class: they leak it")
    says = "attacks that know the auxiliary heads fool no more"
    return CheckItem("heads", verdict, numbers, "; ".join(problems) or says)


def _named(labels: Tensor, classes: int) -> bool:
    """Whether every main class among the labels has its own auxiliary labels, and none is ambiguous."""
    pairs, alone = torch.unique(labels, dim=0), torch.unique(labels[:, 1:], dim=0)
    mains = torch.unique(labels[:, 0])
    return len(mains) > 1 and len(pairs) == len(alone)
