"""The rules about whole workflows: the one list of them. Rules about one node stand with its node type."""

from botctl.lint.rules.answer_schemas import SCHEMA
from botctl.lint.rules.code import EVAL
from botctl.lint.rules.code_names import NO_MEMBER, UNDEFINED
from botctl.lint.rules.comparisons import NEVER_EQUAL, OBJECTS_COMPARED
from botctl.lint.rules.constant_conditions import CONSTANT
from botctl.lint.rules.cycles import CYCLE
from botctl.lint.rules.delegation import CIRCLE, DEPTH
from botctl.lint.rules.handlers import ERROR_EDGE, HANDLER, INTO_TRIGGER
from botctl.lint.rules.loops import ENDLESS, LENGTH
from botctl.lint.rules.misspelt_writes import MISSPELT
from botctl.lint.rules.outcomes import NO_BODY, NO_CONSEQUENCE
from botctl.lint.rules.overwrites import COLLISION, OVERWRITTEN, PLACEHOLDER_IN_CODE
from botctl.lint.rules.paths import DEAD_END, NO_CASE, NO_LIST
from botctl.lint.rules.reach import BUTTONS, CONTACT, LINK, PLATFORM, PROVIDER
from botctl.lint.rules.reachability import UNREACHABLE
from botctl.lint.rules.schedules import EVERY, TIMEZONE
from botctl.lint.rules.secrets import SHAPE
from botctl.lint.rules.silent_ends import SILENT
from botctl.lint.rules.single_braces import SINGLE_BRACES
from botctl.lint.rules.tool_calls import ARGUMENTS, DENIED, IGNORED, TIMEOUT
from botctl.lint.rules.triggers import EMPTY, NO_TRIGGER
from botctl.lint.rules.unguarded_tools import ASKED, DESTRUCTIVE
from botctl.lint.rules.unset_variables import NEVER_SET, NOTHING_TO_SAY, SET_ELSEWHERE, SOMETIMES_SET
from botctl.lint.rules.unwired import UNWIRED
from botctl.lint.workflow_site import WorkflowSite
from botctl.source.rule import Rule

RULES: tuple[Rule[WorkflowSite], ...] = (
    NO_TRIGGER,
    EMPTY,
    UNREACHABLE,
    CYCLE,
    NO_BODY,
    NO_CONSEQUENCE,
    UNWIRED,
    SILENT,
    ENDLESS,
    LENGTH,
    HANDLER,
    INTO_TRIGGER,
    ERROR_EDGE,
    SCHEMA,
    ARGUMENTS,
    IGNORED,
    DENIED,
    TIMEOUT,
    DESTRUCTIVE,
    ASKED,
    EVAL,
    UNDEFINED,
    NO_MEMBER,
    NEVER_SET,
    SOMETIMES_SET,
    SET_ELSEWHERE,
    NOTHING_TO_SAY,
    MISSPELT,
    DEAD_END,
    OBJECTS_COMPARED,
    NEVER_EQUAL,
    CONSTANT,
    NO_LIST,
    NO_CASE,
    COLLISION,
    OVERWRITTEN,
    PLACEHOLDER_IN_CODE,
    SINGLE_BRACES,
    CIRCLE,
    DEPTH,
    SHAPE,
    PLATFORM,
    BUTTONS,
    CONTACT,
    PROVIDER,
    LINK,
    EVERY,
    TIMEZONE,
)
