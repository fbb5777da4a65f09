"""The JUnit report: what CI servers read about tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from botctl.project.stories import LoadedStories
from botctl.stories.company import Performance
from botctl.stories.play import Played
from botctl.stories.transcript import diagnostic, told


def junit(performance: Performance, files: Mapping[Path, LoadedStories]) -> str:
    """All stories as XML: a suite per file, a case per story."""
    root = ElementTree.Element("testsuites", _counts(performance.played))
    for path, group in groupby(performance.played, key=lambda one: one.file):
        stories = list(group)
        loaded = files[path]
        name = _clean(f"{stories[0].bot}: {path.name}")
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(stories)})
        for one in stories:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {
                    "classname": _clean(one.bot),
                    "name": _clean(one.name),
                    "file": _clean(loaded.document.file),
                    "time": f"{one.work:.3f}",
                },
            )
            if one.failure is not None:
                failure = ElementTree.SubElement(
                    case, "failure", {"message": _clean(diagnostic(one, loaded).message)}
                )
                failure.text = _clean(told(one, loaded))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(played: Sequence[Played]) -> dict[str, str]:
    failed = sum(one.failure is not None for one in played)
    work = sum(one.work for one in played)
    return {"tests": str(len(played)), "failures": str(failed), "time": f"{work:.3f}"}


def _clean(text: str) -> str:
    """Without what XML 1.0 has no way to write."""
    return "".join(one if one in "\n\t" or one.isprintable() else "�" for one in text)
