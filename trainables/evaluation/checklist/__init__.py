"""The checklist of honest robustness: whether a robust accuracy is overestimated, item by item."""

from trainables.contract import CheckItem
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.subject import Context, Subject
from trainables.evaluation.checklist.table import CHECKS, run_checklist

__all__ = ["CHECKS", "CheckItem", "Context", "Evidence", "Subject", "run_checklist"]
