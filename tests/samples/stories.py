"""The samples' stories, played in this process."""

from __future__ import annotations

from pathlib import Path

from botctl.project.load import load_project_file
from botctl.project.stories import LoadedStories, load_stories, story_files
from botctl.source.render import render
from botctl.stories.company import Performance, Plan, parts_of, perform


def stories_of(folder: Path, bots: list[str]) -> list[LoadedStories]:
    """The files of stories of some bots of the project in a folder."""
    project = load_project_file(folder)
    found = []
    for bot in bots:
        for path in story_files(project.bot_files[bot].parent):
            loaded, diagnostics = load_stories(project, path, bot)
            assert loaded is not None, render(diagnostics)
            found.append(loaded)
    return found


def play_stories(folder: Path, bots: list[str], processes: int = 0) -> Performance:
    """Play all stories of some bots."""
    return perform(parts_of(stories_of(folder, bots)), Plan(folder=folder, processes=processes))
