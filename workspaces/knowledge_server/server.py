"""The knowledge base's MCP server: its tools, and what they promise about themselves."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from typing_extensions import TypedDict

from .articles import Articles
from .questions import Questions

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# A question that is logged again is not added again, so a crash in between is no trouble.
LOGS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Found(TypedDict):
    """summary is the first paragraph."""

    id: str
    title: str
    summary: str


class Logged(TypedDict):
    """is_new is false for a question that somebody asked before."""

    question: str
    is_new: bool


def make_server(articles: Articles, questions: Questions) -> MCPServer:
    """The server over these articles and questions."""
    server = MCPServer("knowledge", log_level="WARNING")

    @server.tool(annotations=LOOKS)
    async def search(query: str) -> list[Found]:
        """Find articles by words. The list is empty if none fits; `read` gives the whole text."""
        return [
            Found(id=article.id, title=article.title, summary=article.summary)
            for article in articles.search(query)
        ]

    @server.tool(annotations=LOOKS)
    async def read(id: str) -> str:
        """An article in Markdown, by the id that `search` told."""
        article = articles.get(id)
        if article is None:
            raise ToolError(f"there is no article `{id}`: use an id that `search` told")
        return article.text

    @server.tool(annotations=LOGS)
    async def log_question(question: str) -> Logged:
        """Note a question that no article answers, for the team to read."""
        if not question.strip():
            raise ToolError("there is no question in it")
        return Logged(question=question, is_new=questions.log(question))

    return server
