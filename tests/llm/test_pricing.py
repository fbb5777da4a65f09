"""The price of a call: from the tables, from bot.yaml, and never more than was foreseen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botctl.errors import UserError
from botctl.llm.chat import ChatRequest, ToolCall, ToolOffer, Turn, Usage
from botctl.llm.pricing import Tariff, format_money, from_cents, most_input_tokens, to_cents
from botctl.messages import Attachment

AT = 1_767_225_600_000
MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def tariff(provider: str = "openai", model: str = "gpt-5.4-mini", **more: Any) -> Tariff:
    return Tariff(provider=provider, model=model, **more)


def ask(text: str = "hello", **more: Any) -> ChatRequest:
    return ChatRequest(turns=(Turn(role="user", text=text),), **more)


@pytest.mark.parametrize(
    ("provider", "model", "address"),
    [
        ("openai", "gpt-5.4-mini", ""),
        ("anthropic", "claude-sonnet-5-5", ""),
        ("google", "gemini-2.5-flash", ""),
        ("groq", "llama-3.1-8b-instant", ""),
        ("cloudflare", "@cf/meta/llama-3.1-8b-instruct", ""),
        ("custom", "deepseek-chat", "https://api.deepseek.com/v1"),
    ],
)
def test_models_that_people_use_have_a_price(provider: str, model: str, address: str) -> None:
    cost = tariff(provider, model, base_url=address).cost(model, MILLION, AT)

    assert cost is not None
    assert 1 <= cost / 1_000_000 <= 10_000  # cents for a million tokens each way


@pytest.mark.parametrize(
    ("provider", "model", "address"),
    [
        ("openai", "no-such-model", ""),
        ("custom", "gpt-5.4-mini", "http://127.0.0.1:11434/v1"),  # somebody's own server
        ("custom", "gpt-5.4-mini", ""),
        ("nobody", "gpt-5.4-mini", ""),
        ("openai", "", ""),
        ("groq", "whisper-large-v3", ""),  # paid by the hour
    ],
)
def test_what_the_tables_do_not_know_has_no_price(provider: str, model: str, address: str) -> None:
    assert tariff(provider, model, base_url=address).cost(model, MILLION, AT) is None


def test_a_price_in_bot_yaml_is_dollars_per_million_tokens_and_is_rounded_up() -> None:
    own = tariff("custom", "mine", price={"input": 0.123457, "output": 1.5})

    assert own.cost("mine", Usage(input_tokens=3, output_tokens=2), AT) == 38 + 300


def test_a_price_in_bot_yaml_goes_before_the_tables_for_its_model_and_behind_them_for_others() -> None:
    own = tariff(price={"input": 1000, "output": 1000})
    known = tariff(model="gpt-5.1").cost("gpt-5.1", MILLION, AT)

    found = [own.cost(model, MILLION, AT) for model in ("gpt-5.4-mini", "gpt-5.1", "brand-new")]

    assert found == [200_000_000_000, known, 200_000_000_000]


def test_the_answer_of_a_dated_model_is_paid_as_the_model_that_was_asked() -> None:
    usage = Usage(input_tokens=100, output_tokens=10)
    own = tariff("custom", "mine", price={"input": 1, "output": 1})

    assert own.cost_of_reply(ask(), "mine-2026-11-01", usage, AT) == 11_000
    assert tariff().cost_of_reply(ask(), "who-knows", usage, AT) == tariff().cost("gpt-5.4-mini", usage, AT)


def test_tokens_that_were_not_counted_have_no_price_but_the_scripted_model_is_free() -> None:
    scripted = tariff("scripted", "scripted")

    assert tariff().cost_of_reply(ask(), "gpt-5.4-mini", Usage(), AT) is None
    assert [scripted.most(ask(), AT), scripted.cost_of_reply(ask(), "scripted", Usage(), AT)] == [0, 0]


@pytest.mark.parametrize(
    "price", [{"input": 1}, {"input": 1, "output": -1}, {"input": 1, "output": float("nan")}]
)
def test_a_price_that_is_none_is_refused_with_a_way_out(price: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"llm\.price") as caught:
        tariff(price=price).cost("gpt-5.4-mini", MILLION, AT)

    assert caught.value.help


@given(
    text=st.text(max_size=300),
    system=st.text(max_size=50),
    name=st.text(min_size=1, max_size=20),
    share=st.floats(0, 1),
    output=st.integers(0, 500),
)
def test_no_count_of_tokens_within_bytes_and_max_tokens_costs_more_than_the_most(
    text: str, system: str, name: str, share: float, output: int
) -> None:
    request = ask(text, system=system, tools=(ToolOffer(name=name, description=text, parameters={}),))
    request = ChatRequest(
        turns=(
            *request.turns,
            Turn(role="assistant", tool_calls=(ToolCall(id="1", name=name, arguments={}),)),
        ),
        system=system,
        tools=request.tools,
        max_tokens=500,
    )
    sent = len((text + system + name + name + text).encode())
    counted = Usage(input_tokens=round(sent * share), output_tokens=output)
    one = tariff()

    most, cost = one.most(request, AT), one.cost_of_reply(request, "gpt-5.4-mini", counted, AT)

    assert most is not None
    assert cost is None or cost <= most


def test_files_count_by_their_bytes_and_pictures_by_more_than_those() -> None:
    picture = Attachment(kind="image", size=3000)
    plain = most_input_tokens(ask())

    seen = most_input_tokens(ChatRequest(turns=(Turn(role="user", text="hello", attachments=(picture,)),)))

    assert seen - plain >= 6_000 + 4_000


def test_money_is_written_as_people_read_it() -> None:
    cents = (0, None, 1_234_56, 12, 0.42, 0.003, -250)
    told = [format_money(None if one is None else from_cents(one)) for one in cents]

    assert told == ["$0.00", "?", "$1,234.56", "$0.12", "$0.0042", "<$0.0001", "-$2.50"]
    assert [to_cents(from_cents(2.5)), to_cents(None)] == [2.5, None]
