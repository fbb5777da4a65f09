"""The articles: a folder of Markdown files, each with its title in the first line and its id as name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

_TITLE_COUNTS = 3
"""A word in a title says as much as this many in the text."""
_SHORTEST_WORD = 3
# Words that stand in most questions, whatever they are about.
_SAYS_NOTHING = {
    "about", "all", "and", "any", "are", "can", "does", "for", "from", "get", "has", "have", "how",
    "into", "like", "may", "much", "need", "not", "our", "out", "should", "some", "that", "the",
    "their", "them", "then", "there", "they", "this", "want", "was", "what", "when", "where", "which",
    "who", "why", "will", "with", "would", "you", "your",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Article:
    """id: the file's name without `.md`; text: all of it, in Markdown."""

    id: str
    title: str
    text: str

    @property
    def summary(self) -> str:
        """Its first paragraph, as one line."""
        paragraphs = [part for part in self.text.split("\n\n") if not part.startswith("#")]
        return " ".join(paragraphs[0].split()) if paragraphs else ""


class Articles:
    """The articles of a folder, read anew each time, so that edits are seen at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Article]:
        """Every article, by id. A file without a heading has its id as title."""
        return [_article(file) for file in sorted(self._folder.glob("*.md"))]

    def get(self, id: str) -> Article | None:
        """The article with this id. Ids are compared, not made into paths: none leads elsewhere."""
        return next((article for article in self.all() if article.id == id), None)

    def search(self, query: str, most: int = 3) -> list[Article]:
        """The articles that have words of the query, best first; a word that few have counts more."""
        articles = self.all()
        words = [(set(_words(article.title)), _words(article.text)) for article in articles]
        scores = [0.0] * len(articles)
        for asked in set(_words(query)):
            counts = [_count(asked, title) * _TITLE_COUNTS + _count(asked, text) for title, text in words]
            rarity = math.log(1 + len(articles) / max(1, sum(map(bool, counts))))
            for number, count in enumerate(counts):
                scores[number] += math.log1p(count) * rarity
        ranked = sorted(zip(scores, articles, strict=True), key=lambda pair: (-pair[0], pair[1].id))
        return [article for score, article in ranked[:most] if score > 0]


def _article(file: Path) -> Article:
    text = file.read_text(encoding="utf-8").strip()
    heading = re.match(r"#\s+(.+)", text)
    return Article(id=file.stem, title=heading[1].strip() if heading else file.stem, text=text)


def _words(text: str) -> list[str]:
    found = re.findall(r"\w+", text.casefold())
    return [word for word in found if len(word) >= _SHORTEST_WORD and word not in _SAYS_NOTHING]


def _count(asked: str, words: set[str] | list[str]) -> int:
    """How many of these are the word: `opening` is found by `open`, and the other way round."""
    return sum(1 for word in words if word.startswith(asked) or asked.startswith(word))
