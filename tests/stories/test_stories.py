"""Every field of the format: what it makes happen, and that it fails a story when it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.world import BOT, play_in, verdict, verdicts, write_project

REFUND = """\
nodes:
  - {id: start, type: trigger}
  - {id: classify, type: llm_call, data: {prompt: "What is it? {{message}}", outputVariable: intent}}
  - {id: route, type: logic, data: {logicType: switch, variable: intent, cases: [refund, hello]}}
  - id: greet
    type: send_message
    data: {message: "Hello {{user_name}}!", buttons: [{label: Refund, value: pay}]}
  - {id: what, type: send_message, data: {message: What?}}
  - {id: look_up, type: mcp_tool, data: {toolName: orders__get, arguments: {id: "7"}, outputVariable: order}}
  - {id: is_large, type: logic, data: {logicType: if_else, condition: "{{order.total}} >= 500"}}
  - {id: ask, type: action, data: {actionType: human_handoff, reason: "Refund of {{order.total}}"}}
  - {id: pay, type: mcp_tool, data: {toolName: orders__pay, arguments: {amount: "{{order.total}}"}}}
  - {id: done, type: send_message, data: {message: "Paid {{order.total}}."}}
  - {id: no, type: send_message, data: {message: "No: {{handoff.note}}"}}
  - {id: late, type: send_message, data: {message: Nobody answered.}}
  - {id: sorry, type: error_handler, data: {fallback_message: The shop is down.}}
  - {id: ticket, type: action, data: {actionType: create_ticket, subject: "Look at {{error.node}}"}}
edges:
  - start -> classify
  - classify -> route
  - route.case_refund -> look_up
  - route.case_hello -> greet
  - route.case_default -> what
  - look_up -> is_large
  - look_up.error -> sorry
  - is_large.true -> ask
  - is_large.false -> pay
  - ask.approved -> pay
  - ask.rejected -> no
  - ask.expired -> late
  - pay -> done
  - pay.error -> sorry
  - sorry -> ticket
"""
STUBS = """\
models:
  - {match: money, reply: refund}
  - {match: hi, reply: hello}
  - {reply: other}
tools:
  orders__get: {result: {total: 20}}
  orders__pay: {result: {ok: true}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_project(tmp_path, REFUND)


@pytest.mark.parametrize(
    "step",
    [
        "{say: money, expect: Paid 20.}",
        "{say: money, expect: {contains: Paid}, status: completed, error: ''}",
        "{say: money, expect: {matches: '^Paid \\d+', lacks: euro}}",
        "{say: money, path: [start, classify, route.case_refund, look_up, is_large.false, pay, done]}",
        "{say: money, path: [start, ..., pay, done]}",
        "{say: money, path: [..., look_up, ...]}",
        "{say: money, called: [orders__get, {orders__pay: {amount: 20}}]}",
        "{say: money, prompts: ['What is it? money']}",
        "{say: money, variables: {order.total: 20, intent.text: refund, nothing: null}}",
        "{say: money, tickets: [], handoff: [], elsewhere: [], schedules: []}",
        "{say: money, most_tokens: 7, most_cents: 0.1}",
        "{say: hi, expect: {text: 'Hello !', buttons: [Refund]}}",
        "{say: money, redeliver: true, expect: Paid 20., called: [orders__get, orders__pay]}",
    ],
)
def test_what_came_as_expected_passes(shop: Path, step: str) -> None:
    told = verdict(shop, f"{STUBS}stories: [{{name: a story, steps: [{step}]}}]")

    assert told == "passed"


@pytest.mark.parametrize(
    ("step", "fact"),
    [
        ("{say: money, expect: Paid 21.}", "message 1 (of `done`) is another text"),
        ("{say: money, expect: {contains: Euro}}", "message 1 (of `done`) does not contain `Euro`"),
        ("{say: money, expect: {lacks: Paid}}", "message 1 (of `done`) contains `Paid`"),
        ("{say: money, expect: {matches: ^20}}", "message 1 (of `done`) does not match `^20`"),
        ("{say: money, expect: []}", "there is one message more (of `done`) than was expected"),
        ("{say: money, expect: [Paid 20., Bye.]}", "message 2 of 2 did not come"),
        ("{say: hi, expect: {buttons: [Pay]}}", "message 1 (of `greet`) has other buttons"),
        (
            "{say: money, path: [start, classify, route, greet]}",
            "the path left the expected one after `route.case_refund`: `look_up` came, `greet` was expected",
        ),
        (
            "{say: money, path: [start, classify, route.case_hello, ...]}",
            "the path left the expected one after `classify`: `route.case_refund` came,"
            " `route.case_hello` was expected",
        ),
        ("{say: hi, path: [start, ..., greet, done]}", "the path ended after `greet`, `done` was expected"),
        ("{say: money, called: [orders__get]}", "there is one tool call more (of `pay`) than was expected"),
        (
            "{say: money, called: [orders__get, {orders__pay: {amount: 2}}]}",
            "tool call 2 (of `pay`) has other arguments",
        ),
        ("{say: money, prompts: []}", "there is one model call more (of `classify`) than was expected"),
        ("{say: money, variables: {order.total: '20'}}", "the variable `order.total` is another"),
        ("{say: money, variables: {order: null}}", "the variable `order` is another"),
        ("{say: money, handoff: Refund of 20}", "handoff 1 of 1 did not come"),
        ("{say: money, tickets: Look}", "ticket 1 of 1 did not come"),
        ("{say: money, elsewhere: Look}", "message elsewhere 1 of 1 did not come"),
        ("{say: money, schedules: Later}", "schedule 1 of 1 did not come"),
        ("{say: money, status: waiting}", "the run is `completed` and not `waiting`"),
        ("{say: money, error: broken}", "the error is another text"),
        ("{say: money, most_tokens: 1}", "the step cost 7 tokens, more than 1"),
        ("{say: money, most_cents: 0}", "the step cost 0.0015 cents, more than 0"),
        ("{press: Refund}", "there is no button to press: no message to user had any"),
        ("{code: right}", "no code was sent to user"),
        ("{link: press}", "no link was sent to user"),
        ("{decide: approve}", "there is no pending handoff to decide"),
        ("{until: 2020-01-01}", "this moment lies in the past of the story"),
        (
            "{say: hi, crash: {before: pay}}",
            "the process was to be killed at `pay`, which this step never reached",
        ),
    ],
)
def test_what_came_otherwise_fails_and_says_what_it_was(shop: Path, step: str, fact: str) -> None:
    played = play_in(shop, f"{STUBS}stories: [{{name: a story, steps: [{step}]}}]")

    assert verdicts(played) == [fact]


def test_a_person_approves_rejects_or_lets_it_expire(shop: Path) -> None:
    told = verdict(
        shop,
        STUBS
        + """
stories:
  - &ask
    name: approved
    tools: {orders__get: {result: {total: 900}}}
    steps:
      - say: money
        expect: []
        handoff: {text: Refund of 900, node: ask}
        elsewhere: [{platform: email, channel: boss@example.com, contains: Refund of 900}]
        status: waiting
      - decide: {answer: approve, by: boss, set: {order: {total: 800}}}
        expect: Paid 800.
        path: [ask.approved, pay, done]
  - name: rejected
    tools: {orders__get: {result: {total: 900}}}
    steps:
      - say: money
      - decide: {answer: reject, note: not now, node: ask}
        expect: "No: not now"
  - name: expired
    tools: {orders__get: {result: {total: 900}}}
    steps:
      - say: money
      - say: hello?
        expect: A person is looking at this. You will hear from us here.
        status: ignored
        error: {contains: kept for the reviewer}
      - decide: expire
        expect: Nobody answered.
        path: [ask.expired, late]
""",
    )

    assert told == "passed"


@pytest.mark.parametrize("place", ["before", "during", "after"])
@pytest.mark.parametrize("node", ["classify", "is_large", "done"])
def test_a_story_goes_on_as_if_nothing_was_after_a_crash(shop: Path, place: str, node: str) -> None:
    step = f"{{say: money, crash: {{{place}: {node}}}, expect: Paid 20., called: [orders__get, orders__pay],"
    step += " path: [start, classify, route, look_up, is_large, pay, done], status: completed}"

    told = verdict(shop, f"{STUBS}stories: [{{name: a story, steps: [{step}]}}]")

    assert told == "passed"


@pytest.mark.parametrize(
    ("crash", "stub"), [("crash: {during: pay},", "{result: {ok: true}}"), ("", "{silent: true}")]
)
def test_a_payment_of_which_nothing_is_known_is_not_made_again(shop: Path, crash: str, stub: str) -> None:
    step = f"{{say: money, {crash} called: [orders__get, orders__pay], expect: The shop is down.,"
    step += " path: [..., pay.error, sorry, ticket], tickets: Look at pay}"
    stubs = STUBS.replace("orders__pay: {result: {ok: true}}", f"orders__pay: {stub}")

    told = verdict(shop, f"{stubs}stories: [{{name: a story, steps: [{step}]}}]")

    assert told == "passed"


def test_tools_that_are_down_or_silent_and_models_that_fail_are_tried_again_as_in_earnest(shop: Path) -> None:
    told = verdict(
        shop,
        """
models:
  - {times: 2, error: {message: overloaded, retryable: true}}
  - {reply: refund}
tools:
  orders__get: [{times: 2, down: true}, {result: {total: 3}}]
  orders__pay: {error: the card is expired}
stories:
  - name: twice down
    steps:
      - say: money
        called: [orders__get, {orders__pay: {amount: 3}}]
        expect: The shop is down.
        path: [..., look_up, is_large.false, pay.error, sorry, ticket]
""",
    )

    assert told == "passed"


@pytest.mark.parametrize(
    ("takes", "path"),
    [("2s", "look_up, is_large.false, pay, done"), ("2h", "look_up.error, sorry, ticket")],
)
def test_a_tool_takes_its_time_and_too_much_of_it_is_silence(shop: Path, takes: str, path: str) -> None:
    told = verdict(
        shop,
        f"""
models: [{{reply: refund}}]
tools:
  orders__get: {{takes: {takes}, result: {{total: 3}}}}
  orders__pay: {{result: {{ok: true}}}}
stories: [{{name: slow, steps: [{{say: money, path: [..., {path}]}}]}}]
""",
    )

    assert told == "passed"


def test_a_model_that_is_silent_for_ever_fails_the_run_and_a_story_that_did_not_expect_it(
    tmp_path: Path,
) -> None:
    workflow = """\
    nodes: [{id: start, type: trigger}, {id: classify, type: llm_call, data: {prompt: "{{message}}"}}]
    edges: [start -> classify]
    """
    folder = write_project(tmp_path, workflow)

    played = play_in(folder, "models: [{silent: true}]\nstories: [{name: a, steps: [{say: money}]}]")

    assert verdicts(played) == ["the run failed at `classify`: scripted did not answer within 30s"]


def test_users_write_from_where_they_sit_and_hear_what_is_theirs(shop: Path) -> None:
    told = verdict(
        shop,
        STUBS
        + """
platform: telegram
users:
  ada: {name: Ada}
  bob: {id: B7, platform: slack, channel: C1, name: Bob}
stories:
  - name: two
    steps:
      - {say: hi, expect: Hello Ada!, variables: {platform: telegram, user_id: ada}}
      - {say: hi, as: bob, expect: Hello Bob!, variables: {platform: slack, user_id: B7, channel_id: C1}}
      - {press: Refund, as: bob, expect: What?, variables: {message: pay}}
      - {say: hi, as: bob, expect: {to: ada, text: Hello Ada!}}
""",
    )

    assert "message 1 (of `greet`) went to bob and not to ada" in told


def test_a_stub_answers_by_arguments_and_so_often_as_it_says(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - id: get
        type: mcp_tool
        data: {toolName: orders__get, arguments: {id: "{{message}}"}, outputVariable: o}
      - {id: tell, type: send_message, data: {message: "{{o}}"}}
    edges: [start -> get, get -> tell]
    """
    folder = write_project(tmp_path, workflow)

    told = verdict(
        folder,
        """
tools:
  orders__get:
    - {arguments: {id: a}, times: 1, result: first}
    - {arguments: {id: a}, result: {again: true}}
    - {result: other}
stories:
  - name: stubs
    steps: [{say: a, expect: first}, {say: a, expect: '{"again":true}'}, {say: b, expect: other}]
  - name: counted anew
    tools: {orders__get: {arguments: {id: b}, result: own}}
    steps: [{say: a, expect: first}, {say: b, expect: own}]
""",
    )

    assert told == "passed"


def test_time_goes_by_and_what_is_due_happens_in_order(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: soon, type: schedule_message, data: {message: soon, delay_minutes: "60", key: k}}
      - {id: tomorrow, type: schedule_message, data: {message: later, scheduled_time: "2026-01-06T10:00"}}
      - {id: ask, type: logic, data: {logicType: wait, timeout: 2h}}
      - {id: gone, type: send_message, data: {message: Are you there?}}
      - {id: here, type: send_message, data: {message: Good.}}
    edges: [start -> soon, soon -> tomorrow, tomorrow -> ask, ask.timeout -> gone, ask -> here]
    """
    folder = write_project(tmp_path, workflow)

    told = verdict(
        folder,
        """
stories:
  - name: a day
    now: 2026-01-05T09:00Z
    steps:
      - say: hi
        schedules:
          - {at: "2026-01-05T10:00Z", text: soon, key: k}
          - {at: "2026-01-06T10:00Z", text: later}
        status: waiting
      - after: 24h
        expect: [soon, Are you there?]
        path: [ask.timeout, gone]
        schedules: {text: later}
      - until: 2026-01-06T10:00Z
        expect: later
        schedules: []
  - name: an answer in time
    steps: [{say: hi}, {after: 1h, expect: soon}, {say: here, expect: Good.}]
""",
    )

    assert told == "passed"


GATE = """\
nodes:
  - {id: start, type: trigger}
  - id: gate
    type: auth_gate
    data: {provider: resend, contact_type: email, outputVariable: who, method: METHOD}
  - {id: in, type: send_message, data: {message: "Welcome {{who}}"}}
  - {id: out, type: send_message, data: {message: Go away}}
  - {id: down, type: error_handler, data: {fallback_message: No codes today.}}
edges: [start -> gate, gate.verified -> in, gate.failed -> out, gate.error -> down]
"""


def test_codes_are_read_and_answered(tmp_path: Path) -> None:
    folder = write_project(tmp_path, GATE.replace("METHOD", "code"))

    told = verdict(
        folder,
        """
platform: telegram
stories:
  - name: right
    steps:
      - {say: hi, expect: {contains: email}}
      - {say: ada@example.com, expect: {contains: six-digit}, path: [gate]}
      - {code: wrong, expect: {contains: 2 tries}}
      - {code: right, expect: Welcome ada@example.com, path: [gate.verified, in]}
  - name: late
    steps:
      - {say: hi}
      - {say: ada@example.com}
      - {code: expired, expect: {contains: resend}}
      - {say: cancel, expect: Go away, path: [gate.failed, out]}
  - name: nobody answers
    steps: [{say: hi}, {after: 31m, expect: Go away}]
  - name: down
    codes: down
    steps: [{say: hi}, {say: ada@example.com, expect: No codes today.}]
""",
    )

    assert told == "passed"


def test_links_are_pressed(tmp_path: Path) -> None:
    more = {"botctl.yaml": "server: {public_url: 'https://bots.example.com'}\n"}
    folder = write_project(tmp_path, GATE.replace("METHOD", "link"), more=more)

    told = verdict(
        folder,
        """
stories:
  - name: pressed
    steps:
      - {say: hi}
      - {say: ada@example.com}
      - {link: press, expect: Welcome ada@example.com}
  - name: late
    steps: [{say: hi}, {say: ada@example.com}, {link: expired, expect: [], path: []}]
""",
    )

    assert told == "passed"


def test_code_blocks_run_in_the_real_sandbox(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: code, type: code_block, data: {code: "while (ctx.message == 'loop'); ctx.variables.n = 6 * 7"}}
      - {id: tell, type: send_message, data: {message: "{{n}}"}}
    edges: [start -> code, code -> tell]
    """
    folder = write_project(tmp_path, workflow)

    played = play_in(
        folder,
        "stories: [{name: a, steps: [{say: hi, expect: '42'}]}, {name: b, steps: [{say: loop}]}]",
    )

    assert verdicts(played) == ["", "the run failed at `code`: the code ran longer than 1s and was stopped"]


AGENT = """\
name: shop
workspace: shop
system_prompt: You are kind.
llm: {provider: openai, model: gpt-5-mini}
"""


def test_an_agent_calls_stubbed_tools_and_asks_a_person_first(tmp_path: Path) -> None:
    more = {
        "workspaces/shop.yaml": "name: shop\nservers: {o: {command: python}}\ntools: {ask: [orders__pay]}\n"
    }
    folder = write_project(tmp_path, settings=AGENT, more=more)

    told = verdict(
        folder,
        """
models:
  - {match: pay, calls: [{tool: orders__pay, arguments: {amount: 3}}]}
  - {after_tool: orders__pay, reply: "It is {{result}}."}
tools: {orders__pay: {arguments: {amount: 2}, result: paid}}
stories:
  - name: asked
    steps:
      - {say: please pay, handoff: {contains: orders__pay}, called: [], status: waiting}
      - decide: {answer: approve, set: {arguments: {amount: 2}}}
        called: {orders__pay: {amount: 2}}
        expect: {matches: "It is paid"}
""",
    )

    assert told == "passed"


def test_a_bot_that_another_delegates_to_is_told_apart(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: ask, type: delegate_to_bot, data: {target_bot_id: other, outputVariable: said}}
      - {id: tell, type: send_message, data: {message: "It says {{said}}"}}
    edges: [start -> ask, ask -> tell]
    """
    more = {
        "bots/other/bot.yaml": "name: other\nworkflow: workflow.yaml\nllm: {provider: openai}\n",
        "bots/other/workflow.yaml": """\
        nodes:
          - {id: start, type: trigger}
          - {id: think, type: llm_call, data: {prompt: "Say yes"}}
          - {id: say, type: send_message}
        edges: [start -> think, think -> say]
        """,
    }
    folder = write_project(tmp_path, workflow, more=more)

    told = verdict(
        folder,
        """
models: [{bot: other, node: think, reply: yes}]
stories:
  - name: delegated
    steps:
      - say: hi
        expect: It says yes
        path: [start, ask, other/start, other/think, other/say, ask, tell]
""",
    )

    assert told == "passed"


def test_a_bots_own_script_answers_if_a_story_wants_it(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: think, type: llm_call, data: {prompt: "{{message}}"}}
      - {id: say, type: send_message}
    edges: [start -> think, think -> say]
    """
    settings = BOT.replace("anthropic, model: claude-haiku-4-5", "scripted, script: script.yaml")
    folder = write_project(
        tmp_path, workflow, settings, {"bots/shop/script.yaml": "- {match: hi, reply: ho}\n"}
    )

    told = verdict(folder, "models: script\nstories: [{name: a, steps: [{say: hi, expect: ho}]}]")

    assert told == "passed"
