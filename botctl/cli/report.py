"""The report: what the linter has against bots that are about to run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from botctl.cli.terminal import paint_error
from botctl.errors import UserError
from botctl.lint.check import check_bot
from botctl.project.load import Bot, Project
from botctl.source.diagnostic import Diagnostic
from botctl.source.render import render


def refuse_what_cannot_run(
    project: Project,
    bots: Sequence[Bot],
    diagnostics: Sequence[Diagnostic],
    *,
    all_bound: bool,
    skip_lint: bool,
) -> None:
    """Tell the errors of bots that are about to run; a UserError if they must not."""
    found = list(diagnostics)
    if not skip_lint:
        for bot in bots:
            found += check_bot(project, bot)
    errors = list(dict.fromkeys(diagnostic for diagnostic in found if diagnostic.severity == "error"))
    if all_bound and (skip_lint or not errors):
        return
    print(render(errors, paint=paint_error), file=sys.stderr)
    way_out = "mend the errors above" + (", or run with --skip-lint" if all_bound else "")
    raise UserError("nothing was started", help=way_out)
