"""The rule about reviewers of the dashboard: the bots that they are limited to exist."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.bot_site import ProjectSite
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import close_word, one_of


def check_bots(site: ProjectSite) -> Iterator[Finding]:
    """A reviewer is limited to a bot that does not exist.

    `bots` of a reviewer names bots as their bot.yaml does. Of a bot that is named otherwise he sees nothing,
    and is not told why.

    Bad:

    ```yaml
    dashboard:
      reviewers:
        - {name: ada, token: "${ADA_DASHBOARD_TOKEN}", bots: [dmeo]}
    ```

    Good:

    ```yaml
    dashboard:
      reviewers:
        - {name: ada, token: "${ADA_DASHBOARD_TOKEN}", bots: [demo]}
    ```
    """
    for number, reviewer in enumerate(site.spec.dashboard.reviewers):
        for index, name in enumerate(reviewer.bots):
            if name in site.bots or "${" in name:
                continue
            close = close_word(name, site.bots)
            known = f"the bots are {one_of(sorted(site.bots), 'and')}" if site.bots else "there are no bots"
            yield Finding(
                f"reviewer `{reviewer.name}` is limited to bot `{name[:60]}`, which does not exist",
                at=("dashboard", "reviewers", number, "bots", index),
                label="no such bot",
                help=f"did you mean `{close}`?" if close else known,
            )


REVIEWERS = Rule(code="PJ211", severity="warning", check=check_bots, doc=check_bots.__doc__)
