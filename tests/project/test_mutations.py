"""Whatever happens to a file while it is edited, botctl finds words for it and never falls over."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from botctl.lint.project import lint_bot
from botctl.project.load import load_bot, load_project_file
from botctl.source.render import render

SAMPLES = Path(__file__).parent / "samples"
MUTATIONS = 10_000
ODD_VALUES = (
    "null", "[]", "{}", "[1, {a: b}]", "-1", "1e400", "9" * 5000, "true", "${X", "${X:y}", "{{",
    "{{message}}", "'", '"', "|", ">", "&a", "*a", "!!int x", "!x", "---", "\t", "\x00", "\x1b[31m", "\ufeff",
    "é漢😀", "\u2028", "\r", "a" * 10_000, "#", "- -", "? :", ".inf", "<<: *a", "[" * 200, "->",
    "a -> b -> c", ".nan", "0x", "0o8", "2024-01-01", "%TAG", "`", "@", "\\", "on", "~",
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to three small changes."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = chance.choice(CHANGES)(text, chance)
    return text


def _change_lines(
    change: Callable[[list[str], int, random.Random], None],
) -> Callable[[str, random.Random], str]:
    def changed(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines)

    return changed


def _delete(lines: list[str], at: int, chance: random.Random) -> None:
    del lines[at]


def _repeat(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines)), lines[at])


def _swap(lines: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _indent(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = (
        chance.choice((" ", "  ", "\t")) + lines[at] if chance.random() < 0.5 else lines[at].lstrip(" ")
    )


def _odd_value(lines: list[str], at: int, chance: random.Random) -> None:
    key, colon, _ = lines[at].partition(": ")
    lines[at] = key + (colon or ": ") + chance.choice(ODD_VALUES)


def _odd_insertion(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(ODD_VALUES) + text[at:]


def _flip(text: str, chance: random.Random) -> str:
    if not text:
        return text
    at = chance.randrange(len(text))
    return (
        text[:at] + chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x3000)))) + text[at + 1 :]
    )


def _cut(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[: at + 1] if chance.random() < 0.3 else text[:at] + text[at + chance.randrange(1, 30) :]


def _move_word(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    at, other = chance.randrange(len(words)), chance.randrange(len(words))
    words[at] = words[other]
    return " ".join(words)


CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    *map(_change_lines, (_delete, _repeat, _swap, _indent, _odd_value, _odd_value)),
    _odd_insertion,
    _flip,
    _cut,
    _move_word,
)


def test_ten_thousand_broken_files_give_diagnostics_and_never_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(1042)
    names = [path.relative_to(SAMPLES) for path in sorted(SAMPLES.rglob("*")) if path.is_file()]
    whole = {name: (SAMPLES / name).read_text() for name in names}
    for name, text in whole.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    silent = 0
    for number in range(MUTATIONS):
        name = names[number % len(names)]
        bot = name.parts[1] if name.parts[0] == "bots" else "shop-bot"
        text = mutated(whole[name], chance)
        (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            silent += _check(tmp_path, bot) == ""
        except Exception as error:  # the test's whole point: no exception at all
            raise AssertionError(f"mutation {number} of {name}:\n{text!r}") from error
        (tmp_path / name).write_text(whole[name])

    assert 0 < silent < MUTATIONS * 0.6


def test_the_samples_themselves_are_without_mistakes(tmp_path: Path) -> None:
    project = load_project_file(SAMPLES)

    for name in project.bot_names():
        bot, found = load_bot(project, name)
        assert bot is not None
        assert [*found, *lint_bot(project, bot)] == []


def _check(folder: Path, name: str) -> str:
    """What `botctl validate` would print about the bot in a folder."""
    project = load_project_file(folder)
    by_folder = {path.parent.name: called for called, path in project.bot_files.items()}
    bot, found = load_bot(project, by_folder[name])
    if bot is not None:
        found += lint_bot(project, bot)
    return render(found)
