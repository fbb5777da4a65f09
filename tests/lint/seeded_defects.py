"""Mistakes planted into the sample bots: what is changed, what the linter has to say about it, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SUPPORT = "bots/support-bot/workflow.yaml"
SUPPORT_BOT = "bots/support-bot/bot.yaml"
APPOINTMENTS = "bots/appointments/workflow.yaml"
APPOINTMENTS_BOT = "bots/appointments/bot.yaml"
HELLO = "bots/hello/workflow.yaml"
HELLO_BOT = "bots/hello/bot.yaml"
COMMUNITY_BOT = "bots/community-bot/bot.yaml"
OPS_BOT = "bots/ops-bot/bot.yaml"
PROJECT = "botctl.yaml"
SHOP = "workspaces/shop.yaml"
OPS = "workspaces/ops.yaml"


class Planted(NamedTuple):
    """A text with a mistake in it, and the line that the linter should point at."""

    text: str
    line: int


class Defect(NamedTuple):
    """A kind of mistake: into which file it is planted, how, and by which code it should be told."""

    kind: str
    file: str
    plant: Callable[[str], Planted]
    code: str
    told_in: tuple[str, str] | None = None
    """The file, and how the first line begins that the linter points at, if that is not what was changed."""


def changed(
    old: str, new: str, *, at: str = "", more: tuple[tuple[str, str], ...] = ()
) -> Callable[[str], Planted]:
    """`old`, which stands there once, becomes `new`, and so do all of `more`; the mistake is in the line in
    which `at` begins, or `new` if that is left out."""

    def plant(text: str) -> Planted:
        for before, after in ((old, new), *more):
            assert text.count(before) == 1, f"{before!r} stands there {text.count(before)} times"
            text = text.replace(before, after)
        place = at or new
        assert text.count(place) == 1, f"{place!r} stands there {text.count(place)} times"
        return Planted(text, text.count("\n", 0, text.index(place)) + 1)

    return plant


def added(nodes: str = "", edges: str = "", *, at: str) -> Callable[[str], Planted]:
    """Nodes and edges more; the mistake is in the line in which `at` begins."""

    def plant(text: str) -> Planted:
        text = text.replace("\nedges:\n", f"\n{nodes}\nedges:\n{edges}", 1)
        assert text.count(at) == 1, f"{at!r} stands there {text.count(at)} times"
        return Planted(text, text.count("\n", 0, text.index(at)) + 1)

    return plant


FORM = (
    Defect("a tab", SUPPORT, changed("    type: llm_call", "\ttype: llm_call"), "YM101"),
    Defect("a quote that is not closed", HELLO, changed('{{message}}"}', "{{message}}}"), "YM101"),
    Defect(
        "a key twice",
        SUPPORT,
        changed(
            "outputVariable: intent",
            "outputVariable: intent\n      outputVariable: about",
            at="outputVariable: about",
        ),
        "YM102",
    ),
    Defect("a second document", HELLO, changed("edges:", "---\nedges:", at="---"), "YM104"),
    Defect(
        "an alias that was meant as text",
        SUPPORT,
        changed(
            'message: Hello! Ask me about an order, for example "Where is my order 1042?"', "message: *hello"
        ),
        "YM108",
    ),
    Defect(
        "a template without quotes", APPOINTMENTS, changed('"{{hour_before}}"', "{{hour_before}}"), "YM110"
    ),
    Defect(
        "a tag that was meant as text",
        SUPPORT,
        changed("message: I can help", "message: !I can help"),
        "YM111",
    ),
    Defect(
        "an ignore comment without a reason",
        SUPPORT,
        changed("  - id: greet", "  - id: greet  # botctl: ignore[WF203]"),
        "YM201",
    ),
    Defect(
        "an ignore comment for nothing",
        SUPPORT,
        changed("  - id: greet", "  - id: greet  # botctl: ignore[WF203] because I say so"),
        "YM202",
    ),
    Defect(
        "a field of a node misspelt", SUPPORT, changed("    type: llm_call", "    typ: llm_call"), "WF101"
    ),
    Defect(
        "a field of `data` misspelt",
        SUPPORT,
        changed("outputVariable: intent", "outputVariabel: intent"),
        "WF101",
    ),
    Defect(
        "a node without an id",
        SUPPORT,
        changed(
            "  - id: greet\n    type",
            "  - type",
            at="  - type: send_message\n    data:\n      message: Hello!",
        ),
        "WF102",
    ),
    Defect(
        "a node without what its type needs",
        SUPPORT,
        changed("      toolName: orders__refund\n", "", at="    data:\n      label: Pay it back"),
        "WF102",
    ),
    Defect(
        "text where a list belongs",
        SUPPORT,
        changed("cases: [order, refund, greeting]", "cases: order", at="data: {logicType: switch"),
        "WF103",
    ),
    Defect(
        "a word that is not one of the possible",
        SUPPORT,
        changed("contact_type: email", "contact_type: mail"),
        "WF104",
    ),
    Defect(
        "a number out of range",
        SUPPORT,
        changed("contact_type: email", "contact_type: email\n      attempts: 99", at="attempts: 99"),
        "WF105",
    ),
    Defect(
        "fields that do not go together",
        APPOINTMENTS,
        changed(
            "{logicType: wait, timeout: 1h",
            '{logicType: wait, condition: "{{message}}", timeout: 1h',
            at="{logicType: wait",
        ),
        "WF106",
    ),
    Defect("a workflow without edges", HELLO, changed("edges:", "edge:", at="edge:"), "WF110"),
    Defect("an edge without an arrow", SUPPORT, changed("start -> classify", "start > classify"), "WF111"),
)
"""Mistakes in how a file is written."""

GRAPH = (
    Defect(
        "no trigger",
        HELLO,
        changed(
            "type: trigger\n    data: {triggerType: message_received}",
            "type: parallel\n    data: {}",
            at="type: parallel",
        ),
        "WF201",
    ),
    Defect(
        "an edge forgotten",
        SUPPORT,
        changed("  - route.case_greeting -> greet\n", "", at="  - id: greet"),
        "WF203",
    ),
    Defect(
        "a node twice",
        SUPPORT,
        changed(
            "  - id: other\n",
            "  - {id: greet, type: send_message, data: {message: Hi}}\n  - id: other\n",
            at="  - {id: greet",
        ),
        "WF204",
    ),
    Defect("an edge to nowhere", SUPPORT, changed("add_up -> answer", "add_up -> anser"), "WF205"),
    Defect("an edge from nowhere", SUPPORT, changed("add_up -> answer", "ad_up -> answer"), "WF205"),
    Defect(
        "a way out misspelt",
        SUPPORT,
        changed("has_number.true -> look_up", "has_number.yes -> look_up"),
        "WF206",
    ),
    Defect(
        "a way out not named",
        SUPPORT,
        changed("has_number.true -> look_up", "has_number -> look_up"),
        "WF206",
    ),
    Defect(
        "a case that the switch does not have",
        SUPPORT,
        changed("route.case_greeting", "route.case_greetings"),
        "WF206",
    ),
    Defect(
        "an edge twice",
        SUPPORT,
        changed(
            "  - add_up -> answer\n", "  - add_up -> answer\n  - add_up  -> answer\n", at="  - add_up  ->"
        ),
        "WF207",
    ),
    Defect(
        "a way round",
        SUPPORT,
        changed(
            "  - add_up -> answer\n",
            "  - add_up -> answer\n  - answer -> look_up\n",
            at="  - answer -> look_up",
        ),
        "WF208",
    ),
    Defect(
        "a loop without a body",
        SUPPORT,
        added(
            "  - {id: thrice, type: loop, data: {loopType: count, iterations: 3}}\n",
            "  - greet -> thrice\n",
            at="  - {id: thrice",
        ),
        "WF209",
    ),
    Defect(
        "a decision without consequence",
        SUPPORT,
        added(
            '  - {id: really, type: logic, data: {logicType: if_else, condition: "{{message}}"}}\n',
            "  - greet -> really\n",
            at="  - {id: really",
        ),
        "WF210",
    ),
    Defect(
        "a decision whose ways all lead to the same",
        SUPPORT,
        added(
            (
                '  - {id: really, type: logic, data: {logicType: if_else, condition: "{{message}}"}}\n'
                "  - {id: bye, type: send_message, data: {message: Bye}}\n"
            ),
            "  - greet -> really\n  - really.true -> bye\n  - really.false -> bye\n",
            at="  - {id: really",
        ),
        "WF210",
    ),
    Defect("a node type misspelt", SUPPORT, changed("    type: llm_call", "    type: llm_cal"), "WF211"),
    Defect(
        "nothing for who is not verified",
        SUPPORT,
        changed(
            "  - verify.failed -> not_verified\n",
            "",
            at="  - id: verify",
            more=(
                (
                    (
                        "  - id: not_verified\n"
                        "    type: send_message\n"
                        "    data:\n"
                        "      message: I could not make sure who you are, so I cannot pay anything "
                        "back. Write to me to try again.\n"
                    ),
                    "",
                ),
            ),
        ),
        "WF212",
    ),
    Defect(
        "nothing for what the model may say otherwise",
        SUPPORT,
        changed(
            "  - route.case_default -> other\n",
            "",
            at="  - id: route",
            more=(
                (
                    (
                        "  - id: other\n"
                        "    type: send_message\n"
                        "    data:\n"
                        '      message: I can help with orders. Ask me, for example, "Where is my order '
                        '1042?"\n'
                    ),
                    "",
                ),
            ),
        ),
        "WF212",
    ),
    Defect(
        "a while that nothing ends",
        HELLO,
        added(
            (
                '  - {id: again, type: loop, data: {loopType: while, condition: "{{message}} == '
                'more"}}\n'
                "  - {id: more, type: send_message, data: {message: More}}\n"
            ),
            "  - greet -> again\n  - again.loop_body -> more\n",
            at="  - {id: again",
        ),
        "WF213",
    ),
    Defect(
        "a handler before which nothing fails",
        HELLO,
        added(
            "  - {id: rescue, type: error_handler, data: {fallback_message: Sorry}}\n",
            "  - start -> rescue\n",
            at="  - {id: rescue",
        ),
        "WF214",
    ),
    Defect(
        "a second handler for all",
        APPOINTMENTS,
        added(
            "  - {id: rescue, type: error_handler, data: {fallback_message: Sorry}}\n", at="  - {id: rescue"
        ),
        "WF214",
    ),
    Defect(
        "an edge into a trigger",
        HELLO,
        added(
            "  - {id: second, type: trigger, data: {}}\n", "  - greet -> second\n", at="  - greet -> second"
        ),
        "WF215",
    ),
    Defect(
        "loops that turn too often",
        HELLO,
        added(
            (
                "  - {id: rows, type: loop, data: {loopType: count, iterations: 40}}\n"
                "  - {id: columns, type: loop, data: {loopType: count, iterations: 40, "
                "itemVariable: column}}\n"
                '  - {id: cell, type: send_message, data: {message: "{{index}} {{column}}"}}\n'
            ),
            "  - greet -> rows\n  - rows.loop_body -> columns\n  - columns.loop_body -> cell\n",
            at="  - {id: rows",
        ),
        "WF216",
    ),
    Defect(
        "an error edge of what cannot fail",
        HELLO,
        added("", "  - start.error -> greet\n", at="  - start.error"),
        "WF217",
    ),
    Defect(
        "JavaScript that cannot be parsed",
        SUPPORT,
        changed('match ? match[0] : ""', 'match ? match[0 : ""'),
        "WF301",
    ),
    Defect(
        "more iterations than there can be",
        HELLO,
        added(
            (
                "  - {id: many, type: loop, data: {loopType: count, iterations: 200}}\n"
                "  - {id: more, type: send_message, data: {message: More}}\n"
            ),
            "  - greet -> many\n  - many.loop_body -> more\n",
            at="  - {id: many",
        ),
        "WF401",
    ),
    Defect(
        "a case twice",
        SUPPORT,
        changed("cases: [order, refund, greeting]", "cases: [order, refund, greeting, order]"),
        "WF402",
    ),
    Defect(
        "a provider that cannot reach a phone",
        SUPPORT,
        changed("contact_type: email", "contact_type: phone"),
        "WF403",
    ),
    Defect(
        "a message later, without a time",
        APPOINTMENTS,
        changed('      scheduled_time: "{{hour_before}}"\n', "", at="      label: An hour before"),
        "WF404",
    ),
    Defect("a moment that is none", APPOINTMENTS, changed('"{{hour_before}}"', "tomorrow at noon"), "WF405"),
    Defect(
        "an answer's schema that is none",
        SUPPORT,
        changed(
            "outputVariable: intent",
            "outputVariable: intent\n      schema: {type: objekt}",
            at="schema: {type",
        ),
        "WF406",
    ),
    Defect(
        "a cron expression that is none",
        APPOINTMENTS,
        changed('      scheduled_time: "{{hour_before}}"', "      every: 61 9 * * mon", at="every: 61"),
        "WF421",
    ),
    Defect(
        "a time zone that is none",
        APPOINTMENTS,
        changed(
            '      scheduled_time: "{{hour_before}}"',
            '      scheduled_time: "{{hour_before}}"\n      timezone: Europe/Belin',
            at="timezone: Europe",
        ),
        "WF422",
    ),
)
"""Mistakes in what leads where, and in single nodes."""

FLOW = (
    Defect("a variable misspelt", SUPPORT, changed("{{item_count}} items", "{{item_cuont}} items"), "VR201"),
    Defect(
        "a variable misspelt in a condition", SUPPORT, changed("{{amount}} > 0", "{{amuont}} > 0"), "VR201"
    ),
    Defect(
        "a variable misspelt in JavaScript",
        SUPPORT,
        changed("const order = ctx.variables.order;", "const order = ctx.variables.ordr;"),
        "VR201",
    ),
    Defect(
        "a variable that is set only on some ways",
        SUPPORT,
        changed(
            "names_order.false -> ask_order",
            "names_order.false -> ask_order\n  - ask_order -> paid",
            at='message: "I have paid back ${{amount_text}}',
        ),
        "VR202",
    ),
    Defect(
        "a variable that is set on another branch",
        SUPPORT,
        changed(
            'message: Hello! Ask me about an order, for example "Where',
            'message: Hello! {{verified_email}}, ask me about an order, for example "Where',
        ),
        "VR203",
    ),
    Defect(
        "a key of a tool's result misspelt",
        APPOINTMENTS,
        changed('cancel: "day-{{mine.booking.id}}"', 'cancel: "day-{{mine.booking.idd}}"'),
        "VR204",
    ),
    Defect(
        "a key of a model's answer misspelt",
        SUPPORT,
        changed("variable: intent, cases", "variable: intent.txt, cases"),
        "VR204",
    ),
    Defect(
        "a whole object compared",
        SUPPORT,
        changed('"{{order.status}} is_not_empty"', '"{{order}} == shipped"'),
        "VR205",
    ),
    Defect(
        "a comparison that never holds", SUPPORT, changed("{{amount}} >= 500", "{{amount}} >= $500"), "VR206"
    ),
    Defect(
        "a loop through what is no list",
        SUPPORT,
        added(
            (
                "  - {id: each, type: loop, data: {loopType: for_each, arrayVariable: message}}\n"
                '  - {id: one, type: send_message, data: {message: "{{item}}"}}\n'
            ),
            "  - greet -> each\n  - each.loop_body -> one\n",
            at="  - {id: each",
        ),
        "VR207",
    ),
    Defect(
        "a switch on a list",
        SUPPORT,
        changed("variable: intent, cases", "variable: attachments, cases"),
        "VR208",
    ),
    Defect(
        "two branches set one variable",
        APPOINTMENTS,
        added(
            (
                "  - {id: note_1, type: action, data: {actionType: set_variable, variable: note, "
                "value: one}}\n"
                "  - {id: note_2, type: action, data: {actionType: set_variable, variable: note, "
                "value: two}}\n"
                '  - {id: note_3, type: send_message, data: {message: "{{note}}"}}\n'
            ),
            "  - taken -> note_1\n  - taken -> note_2\n  - note_1 -> note_3\n  - note_2 -> note_3\n",
            at="  - {id: note_2",
        ),
        "VR209",
    ),
    Defect(
        "a message that has nothing to say",
        HELLO,
        changed('data: {message: "Hello! You said: {{message}}"}', "data: {}", at="- id: greet"),
        "VR212",
    ),
    Defect(
        "a placeholder that is not closed",
        SUPPORT,
        changed("paid back ${{amount_text}} for", "paid back ${{amount_text} for"),
        "VR301",
    ),
    Defect(
        "a condition that ends too early", SUPPORT, changed("{{amount}} >= 500", "{{amount}} >="), "VR302"
    ),
    Defect(
        "a placeholder where a name belongs",
        SUPPORT,
        changed("variable: intent, cases", 'variable: "all {{intent}}", cases'),
        "VR303",
    ),
    Defect(
        "what the user wrote overwritten",
        SUPPORT,
        changed(
            "outputVariable: intent",
            "outputVariable: message",
            more=(("variable: intent, cases", "variable: message, cases"),),
        ),
        "VR210",
    ),
    Defect(
        "a placeholder in JavaScript",
        SUPPORT,
        changed("String(ctx.message).match", 'String("{{message}}").match'),
        "VR211",
    ),
)
"""Mistakes in what is set and read."""

TOOLS = (
    Defect(
        "arguments that are not JSON",
        SUPPORT,
        changed("""'{"order_id": "{{order_id}}"}'""", """'{"order_id": {{order_id}}"}'"""),
        "TL101",
    ),
    Defect(
        "a tool misspelt", SUPPORT, changed("toolName: orders__refund", "toolName: orders__refnd"), "TL102"
    ),
    Defect(
        "a tool without its server", SUPPORT, changed("toolName: orders__refund", "toolName: refund"), "TL102"
    ),
    Defect(
        "an argument that is missing",
        SUPPORT,
        changed('{order_id: "{{order_id}}", amount: "{{amount}}"}', '{ order_id: "{{order_id}}" }'),
        "TL103",
    ),
    Defect(
        "an argument of the wrong kind",
        APPOINTMENTS,
        changed("arguments: {count: 3}", "arguments: {count: three}"),
        "TL103",
    ),
    Defect(
        "an argument misspelt",
        APPOINTMENTS,
        changed("arguments: {count: 3}", "arguments: {cuont: 3}"),
        "TL10",
    ),
    Defect(
        "a tool that may not be called",
        SHOP,
        changed('["orders__delete_*"]', '["orders__delete_*", "*__refund"]'),
        "TL105",
        (SUPPORT, "      toolName: orders__refund"),
    ),
    Defect(
        "a pattern that fits no tool",
        SHOP,
        changed("ask: [orders__refund]", "ask: [orders__refunds]"),
        "TL201",
    ),
)
"""Mistakes about tools."""

SECURITY = (
    Defect(
        "a destructive tool for anybody",
        SUPPORT,
        added(
            (
                "  - {id: pay_at_once, type: mcp_tool, data: {toolName: orders__refund, "
                'arguments: {order_id: "{{order_id}}", amount: 1}}}\n'
            ),
            "  - other -> pay_at_once\n",
            at="  - {id: pay_at_once",
        ),
        "SC201",
    ),
    Defect(
        "a secret in a file",
        OPS_BOT,
        changed(
            'app_token: "${SLACK_APP_TOKEN:-}"',
            "app_token: xapp-1-A0123456789-1234567890123-0123456789abcdef0123456789abcdef",
        ),
        "SC10",
    ),
    Defect(
        "a key in a workflow",
        SUPPORT,
        changed(
            "message: Hello! Ask",
            "message: sk-ant-api03-Zx9Kq2Lm5Np8Rt1Vw4Yb7Cd0Ef3Gh6Jk9Mn2Pq5Rs8Tu1Vx4Yz7Ab Ask",
        ),
        "SC101",
    ),
    Defect(
        "text from outside run as code",
        SUPPORT,
        changed("const match = String(ctx.message)", "eval(ctx.message); const match = String(ctx.message)"),
        "SC204",
    ),
    Defect(
        "an agent with a destructive tool",
        OPS,
        changed("ask: [ops__restart_service, ops__deploy]", "ask: [ops__deploy]"),
        "SC203",
        (OPS_BOT, "workspace: ops"),
    ),
    Defect(
        "a channel open to strangers",
        PROJECT,
        changed("host: 127.0.0.1", "host: 0.0.0.0"),
        "SC301",
        (HELLO_BOT, "  custom:"),
    ),
)
"""Mistakes that somebody may use."""

BOTS = (
    Defect(
        "a field of a bot misspelt", SUPPORT_BOT, changed("fallback_message:", "falback_message:"), "BT101"
    ),
    Defect(
        "a bot without a name", SUPPORT_BOT, changed("name: support-bot\n", "", at="description:"), "BT102"
    ),
    Defect(
        "a text where a number belongs",
        SUPPORT_BOT,
        changed("workspace: shop", "workspace: shop\nconversation: {max_messages: many}", at="conversation:"),
        "BT103",
    ),
    Defect(
        "a number out of range in a bot",
        SUPPORT_BOT,
        changed("workspace: shop", "workspace: shop\nmax_loop_iterations: 99", at="max_loop"),
        "BT105",
    ),
    Defect("a workspace misspelt", SUPPORT_BOT, changed("workspace: shop", "workspace: shp"), "BT201"),
    Defect(
        "a workflow that is not there",
        SUPPORT_BOT,
        changed("workflow: workflow.yaml", "workflow: worflow.yaml"),
        "BT202",
    ),
    Defect("a platform misspelt", SUPPORT_BOT, changed("  telegram:", "  telegramm:"), "BT203"),
    Defect(
        "a provider of models misspelt",
        SUPPORT_BOT,
        changed("provider: scripted, script: script.yaml", "provider: anthropc"),
        "BT204",
    ),
    Defect("a provider of codes misspelt", SUPPORT_BOT, changed("  resend: {", "  resnd: {"), "BT205"),
    Defect(
        "a script that is not there",
        SUPPORT_BOT,
        changed("script: script.yaml", "script: skript.yaml"),
        "BT206",
    ),
    Defect(
        "a variable of the environment misspelt",
        SUPPORT_BOT,
        changed("${SUPPORT_WEBHOOK_SECRET:-}", "${SUPPORT_WEBHOOK_SECRET:}"),
        "BT207",
    ),
    Defect(
        "a bot to call that is not there",
        COMMUNITY_BOT,
        changed("workspace: community", "workspace: community\ndelegate: [suport-bot]", at="delegate:"),
        "BT208",
    ),
    Defect(
        "a delegation to a bot that is not there",
        HELLO,
        added(
            "  - {id: ask, type: delegate_to_bot, data: {target_bot_id: suport-bot}}\n",
            "  - greet -> ask\n",
            at="  - {id: ask",
        ),
        "BT301",
    ),
    Defect(
        "a delegation to oneself",
        HELLO,
        added(
            "  - {id: ask, type: delegate_to_bot, data: {target_bot_id: hello}}\n",
            "  - greet -> ask\n",
            at="  - {id: ask",
        ),
        "BT213",
    ),
    Defect(
        "codes by a provider that is not set up",
        SUPPORT,
        changed("provider: resend", "provider: ses"),
        "BT302",
    ),
    Defect(
        "a workflow with tools, and a bot without",
        SUPPORT_BOT,
        changed("workspace: shop\n", "", at="workflow:"),
        "BT216",
    ),
    Defect(
        "a message to a platform that is not there",
        HELLO,
        added(
            (
                "  - {id: tell, type: send_proactive, data: {message: Hi, target_platform: "
                "slack, target_channel_id: C1}}\n"
            ),
            "  - greet -> tell\n",
            at="  - {id: tell",
        ),
        "PF301",
    ),
    Defect(
        "a field of a platform misspelt",
        SUPPORT_BOT,
        changed("{mode: polling, token", "{mod: polling, token"),
        "BT101",
    ),
    Defect(
        "a field of a workspace misspelt",
        SHOP,
        changed("\ndescription:", "\ndescripton:", at="descripton:"),
        "WS101",
    ),
)
"""Mistakes in bots and workspaces."""

DEFECTS = (*FORM, *GRAPH, *FLOW, *TOOLS, *SECURITY, *BOTS)
