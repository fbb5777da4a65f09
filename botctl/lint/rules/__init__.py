"""The rules about whole workflows: the one list of them. Rules about one node stand with its node type."""

from botctl.lint.rules.cycles import CYCLE
from botctl.lint.rules.outcomes import NO_BODY, NO_CONSEQUENCE
from botctl.lint.rules.reachability import UNREACHABLE
from botctl.lint.rules.triggers import EMPTY, NO_TRIGGER
from botctl.lint.workflow_site import WorkflowSite
from botctl.source.rule import Rule

RULES: tuple[Rule[WorkflowSite], ...] = (
    NO_TRIGGER,
    EMPTY,
    UNREACHABLE,
    CYCLE,
    NO_BODY,
    NO_CONSEQUENCE,
)
