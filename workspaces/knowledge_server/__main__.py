"""`python -m workspaces.knowledge_server`: the knowledge base's MCP server on stdin and stdout.

KNOWLEDGE_ARTICLES names the folder of its articles, KNOWLEDGE_QUESTIONS the file of unanswered questions.
"""

import os
from pathlib import Path

from .articles import Articles
from .questions import Questions
from .server import make_server

if __name__ == "__main__":
    articles = os.environ.get("KNOWLEDGE_ARTICLES") or Path(__file__).parent / "handbook"
    questions = os.environ.get("KNOWLEDGE_QUESTIONS") or ".botctl/questions.md"
    make_server(Articles(Path(articles)), Questions(Path(questions))).run("stdio")
