"""The tools over the Model Context Protocol, whatever carries it."""

from importlib.metadata import version
from typing import Any

import structlog
from mcp import MCPError, types
from mcp.server import Server, ServerRequestContext
from pydantic import BaseModel, ValidationError

from assistant.answering import subjects
from assistant.mcp.tools import INSTRUCTIONS, TOOLS, Tool
from assistant.serving import Limits, Service, TooMany
from index.errors import LimitsUnusable, Overloaded, StoreAway, UnknownName

_SUBJECTS = 12
_READ_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_LOG = structlog.get_logger()


def create_server(service: Service, limits: Limits | None = None, address: str = "") -> Server[Any]:
    """Return the MCP server, which lists the tools and runs them.

    limits: rate limits of callers over HTTP; each call of a tool counts as one question. address:
    the address of the reader pages, such as `http://127.0.0.1:7860`; over HTTP, the address of the
    request is used.
    """

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        titles = subjects(service.assistant.snapshot.notes, _SUBJECTS + 1)
        covered = ", ".join(titles[:_SUBJECTS]) + (", …" if len(titles) > _SUBJECTS else "")
        return types.ListToolsResult(
            tools=[_described(name, tool, covered) for name, tool in TOOLS.items()]
        )

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(
                types.INVALID_PARAMS,
                f"There is no tool {params.name[:100]!r}. There are: {', '.join(TOOLS)}.",
            )
        request = context.request
        try:
            arguments = tool.takes.model_validate(params.arguments or {})
            if limits and request:
                await limits.questions(request.state.caller, 1)
            at = f"{request.url.scheme}://{request.url.netloc}" if request else address
            return _result(await tool.run(service, arguments, at))
        except TooMany as error:
            service.metrics.limited.inc()
            return _failed(_too_many(error))
        except Exception as error:
            return _failed(_said(error))

    return Server(
        "notes-assistant",
        title="Notes Assistant",
        version=version("notes-assistant"),
        instructions=_in_line(INSTRUCTIONS),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(name: str, tool: Tool, covered: str) -> types.Tool:
    about = "" if name == "fetch" else f" What the notes cover: {covered}"
    return types.Tool(
        name=name,
        title=tool.title,
        description=_in_line(tool.description + about),
        input_schema=tool.takes.model_json_schema(),
        output_schema=tool.gives.model_json_schema(mode="serialization"),
        annotations=_READ_ONLY,
    )


def _in_line(text: str) -> str:
    return " ".join(text.split())


def _result(given: BaseModel) -> types.CallToolResult:
    # As JSON once more in one text, for assistants that read no structured content.
    return types.CallToolResult(
        content=[types.TextContent(text=given.model_dump_json())],
        structured_content=given.model_dump(mode="json"),
    )


def _failed(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=said)], is_error=True)


def _too_many(error: TooMany) -> str:
    standing = error.standing
    return (
        f"At most {standing.limit} calls are allowed for now. "
        f"Wait {standing.reset} seconds, then call again."
    )


def _said(error: Exception) -> str:
    """Return the advice to a model about an error; an error of the server itself is logged."""
    if isinstance(error, ValidationError):
        return " ".join(_fault(each["loc"], each["type"], each["msg"]) for each in error.errors())
    if isinstance(error, UnknownName | Overloaded):
        return str(error)
    if isinstance(error, StoreAway):
        _LOG.error("unusable", error=str(error))
        return "What holds the notes' vectors does not answer at the moment. Try again later."
    if isinstance(error, LimitsUnusable):
        _LOG.error("unusable", error=str(error))
        return "What was asked cannot be counted at the moment. Try again later."
    _LOG.error("unexpected", exc_info=error)
    return "Something went wrong here. The log of the server says what."


def _fault(place: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(map(str, place))[:100]
    if kind == "extra_forbidden":
        return f"`{name}`: There is no such argument."
    return f"`{name}`: {message.removeprefix('Value error, ').rstrip('.')}."
