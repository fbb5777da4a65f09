"""Mistakes from which others seem to follow: planted into the sample bots, each is to be told once."""

from __future__ import annotations

from tests.lint.seeded_defects import (
    APPOINTMENTS,
    OPS,
    PROJECT,
    SUPPORT,
    SUPPORT_BOT,
    Defect,
    Planted,
    changed,
)

ONBOARDING = "bots/onboarding-bot/workflow.yaml"
ONCALL = "bots/oncall-bot/workflow.yaml"
ONCALL_BOT = "bots/oncall-bot/bot.yaml"


def misspelt_id(old: str, new: str) -> Defect:
    """The id of a node, which all its edges name as it was."""
    return Defect(
        f"the id {old} misspelt where it is given",
        SUPPORT,
        changed(f"  - id: {old}\n", f"  - id: {new}\n"),
        "WF205",
    )


def other_type(text: str) -> Planted:
    """The code_block that finds the order's number, with the type of a node that was copied."""
    before = "  - id: find_number\n    type: code_block\n"
    return changed(before, before.replace("code_block", "send_message"))(text)._replace(
        line=text.count("\n", 0, text.index(before)) + 2
    )


EDGES = (
    Defect(
        "the edge into a loop's body forgotten",
        ONBOARDING,
        changed("  - each_interest.loop_body -> ask_interest\n", "", at="  - id: each_interest"),
        "WF203",
    ),
    Defect(
        "the edge into a loop's body without its way out",
        ONBOARDING,
        changed("each_interest.loop_body -> ask_interest", "each_interest -> ask_interest"),
        "WF206",
    ),
    Defect(
        "the edge into a loop's body back to the loop",
        ONBOARDING,
        changed("each_interest.loop_body -> ask_interest", "each_interest.loop_body -> each_interest"),
        "WF208",
    ),
    Defect(
        "the edge into a loop's body to what follows it",
        ONBOARDING,
        changed(
            "each_interest.loop_body -> ask_interest",
            "each_interest.loop_body -> save",
            at="  - id: each_interest",
        ),
        "WF203",
    ),
    Defect(
        "both edges of a decision forgotten",
        SUPPORT,
        changed(
            "  - has_number.true -> look_up\n  - has_number.false -> ask_number\n",
            "",
            at="  - id: has_number",
        ),
        "WF203",
    ),
    Defect(
        "both edges of a decision to the same",
        SUPPORT,
        changed("has_number.false -> ask_number", "has_number.false -> look_up", at="  - id: has_number"),
        "WF203",
    ),
    Defect(
        "an edge back instead of onward", SUPPORT, changed("add_up -> answer", "add_up -> look_up"), "WF208"
    ),
    Defect(
        "an edge to the trigger instead of onward",
        SUPPORT,
        changed("route.case_greeting -> greet", "route.case_greeting -> start"),
        "WF208",
    ),
    Defect(
        "an edge the wrong way round",
        SUPPORT,
        changed("look_up -> is_known", "is_known -> look_up"),
        "WF206",
    ),
    Defect(
        "an edge past the gate",
        SUPPORT,
        changed(
            "names_order.false -> ask_order",
            "names_order.false -> ask_order\n  - ask_order -> look_up_paid",
            at="      toolName: orders__refund",
        ),
        "SC201",
    ),
    Defect(
        "the way out of a gate misspelt",
        SUPPORT,
        changed("verify.verified -> look_up_paid", "verify.verifed -> look_up_paid"),
        "WF206",
    ),
    Defect(
        "the other way out of a gate not named",
        SUPPORT,
        changed("verify.failed -> not_verified", "verify -> not_verified"),
        "WF206",
    ),
    Defect(
        "an edge past what sets two variables",
        ONBOARDING,
        changed(
            "look_up.error -> sorry",
            "look_up.error -> each_interest",
            at='        role: "{{role}}"',
        ),
        "VR202",
    ),
)
"""Edges that are missing, or lead astray."""

NAMES = (
    misspelt_id("look_up_paid", "look_up_piad"),
    Defect(
        "an id that another node has",
        SUPPORT,
        changed("  - id: ask_number\n", "  - id: names_order\n", at="  - id: names_order\n    type: logic"),
        "WF204",
    )._replace(
        plant=lambda text: Planted(
            text.replace("  - id: ask_number\n", "  - id: names_order\n"),
            text.count("\n", 0, text.index("  - id: names_order\n")) + 1,
        )
    ),
    Defect(
        "a variable misspelt where it is set again",
        ONBOARDING,
        changed("variable: is_done, value: true", "variable: is_odne, value: true"),
        "VR214",
    ),
    Defect("a type that was not changed", SUPPORT, other_type, "WF112"),
    Defect(
        "a node without `data`",
        SUPPORT,
        changed(
            "    data:\n      label: Who are you?\n      provider: resend\n      contact_type: email\n"
            "      outputVariable: verified_email\n"
            "      ask: I will see to order {{order_id}}. Which email address did you order with?\n",
            "",
            at="  - id: verify",
        ),
        "WF102",
    ),
    Defect(
        "`data` misspelt",
        SUPPORT,
        changed(
            "    data: {logicType: switch, variable: intent", "    dta: {logicType: switch, variable: intent"
        ),
        "WF101",
    ),
    Defect(
        "a variable misspelt where it is set",
        SUPPORT,
        changed("outputVariable: verified_email", "outputVariable: verifeid_email"),
        "VR201",
    ),
)
"""Names that several places have."""

SETTINGS = (
    Defect(
        "a provider that cannot reach an email address",
        SUPPORT,
        changed("provider: resend", "provider: twilio"),
        "WF403",
    ),
    Defect(
        "a platform taken out",
        ONCALL_BOT,
        changed(
            '  slack: {mode: polling, bot_token: "${INCIDENTS_SLACK_BOT_TOKEN:-}", '
            'app_token: "${INCIDENTS_SLACK_APP_TOKEN:-}"}\n',
            "",
            at="    - slack:",
        ),
        "BT210",
    ),
    Defect(
        "a platform that two nodes name",
        ONCALL_BOT,
        changed(
            '  slack: {mode: polling, bot_token: "${INCIDENTS_SLACK_BOT_TOKEN:-}", '
            'app_token: "${INCIDENTS_SLACK_APP_TOKEN:-}"}\n',
            "",
            at="name:",
            more=(("    - slack: ", "    - email: "),),
        ),
        "PF301",
        (ONCALL, "      target_platform: slack"),
    ),
    Defect(
        "a platform misspelt that others name",
        ONCALL_BOT,
        changed("  slack: {mode", "  slakc: {mode"),
        "BT203",
    ),
    Defect(
        "a field misspelt that a platform needs",
        ONCALL_BOT,
        changed("app_token: ", "app_tokn: ", at="  slack: {mode"),
        "BT101",
    ),
    Defect(
        "a server misspelt whose tools are called",
        "workspaces/calendar.yaml",
        changed("  calendar:\n", "  calender:\n"),
        "TL102",
        (APPOINTMENTS, "      toolName: calendar__"),
    ),
    Defect("a name that another bot has", SUPPORT_BOT, changed("name: support-bot", "name: hello"), "BT209"),
    Defect(
        "another provider before the settings of one",
        SUPPORT_BOT,
        changed("  resend: {api_key", "  twilio: {api_key"),
        "BT10",
    ),
    Defect(
        "code that waits for the network",
        SUPPORT,
        changed("const match = String(", "const page = await fetch('x'), match = String("),
        "WF301",
    ),
    Defect(
        "a pattern misspelt whose tool then nobody asks about",
        OPS,
        changed("ask: [ops__restart_service, ops__deploy]", "ask: [ops__restart_service, ops_deploy]"),
        "TL201",
    ),
    Defect(
        "a name that a workspace after it has",
        "workspaces/community.yaml",
        changed("name: community\n", "name: shop\n"),
        "WS203",
    ),
    Defect(
        "a port in the server's host",
        PROJECT,
        changed("host: 127.0.0.1", "host: 127.0.0.1:8080"),
        "PJ212",
    ),
    Defect(
        "a public address without https",
        PROJECT,
        changed("host: 127.0.0.1", "public_url: bots.example.com"),
        "PJ212",
    ),
    Defect(
        "a port that is no number in the public address",
        PROJECT,
        changed("host: 127.0.0.1", 'public_url: "https://bots.example.com:abc"'),
        "PJ212",
    ),
    Defect(
        "an edge with a colon",
        SUPPORT,
        changed("  - is_large.true -> announce\n", "  - is_large.true: announce\n"),
        "WF111",
    ),
    Defect(
        "a name that another workspace has",
        "workspaces/shop.yaml",
        changed("name: shop\n", "name: calendar\n"),
        "WS203",
    ),
)
"""Settings that something else depends on."""

DOUBLES = (*EDGES, *NAMES, *SETTINGS)
