"""The questions that no article answers: a Markdown list that the team reads and crosses out."""

from __future__ import annotations

from pathlib import Path

_MARK = "- "


class Questions:
    """The list in a file, which is made when the first question comes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def all(self) -> list[str]:
        """The questions, oldest first."""
        if not self._file.exists():
            return []
        lines = self._file.read_text(encoding="utf-8").splitlines()
        return [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]

    def log(self, question: str) -> bool:
        """Add a question as one line; False if it is there already, and nothing is written then."""
        line = " ".join(question.split())
        if line.casefold() in [known.casefold() for known in self.all()]:
            return False
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{_MARK}{line}\n")
        return True
