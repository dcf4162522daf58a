"""The command line: build, ask, serve."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.settings import Settings, read_settings
from index.errors import IndexMismatch, IndexMissing, IndexUnusable, SettingsError, StoreAway
from ui.cli.check_command import check
from ui.cli.keys_command import keys
from ui.cli.model_command import model as model_commands
from ui.cli.options import (
    CacheDir,
    Corpus,
    DataDir,
    Engine,
    LinkTemplate,
    Model,
    PublicUrl,
    RerankerName,
    say,
    says_errors,
)
from ui.cli.repair_command import mend
from ui.cli.versions_command import rollback, versions

if TYPE_CHECKING:
    from assistant.answering.ask import Assistant
    from assistant.calibration.evaluate import Case
    from index.encoding.encoder import Encoder
    from index.storage.store import Snapshot

NOT_COVERED = 1

app = typer.Typer(
    help="Ask your Markdown notes: answers word for word, each with a link to its section.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(keys)
app.add_typer(model_commands)
app.command()(check)
app.command()(versions)
app.command()(rollback)
app.command()(mend)


def main() -> None:
    """Run the command line."""
    # Where a terminal cannot show Hangul, question marks say more than a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


@app.command()
@says_errors
def build(
    path: Annotated[str | None, typer.Argument(help="Folder of notes.")] = None,
    corpus: Corpus = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Questions with answers, to calibrate the judge by.")
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="For another process that builds; --no-wait: refuse at once.")
    ] = True,
) -> None:
    """Build the index from a folder of Markdown."""
    settings = read_settings(
        corpus=path or corpus, data_dir=data_dir, cache_dir=cache_dir, model=model, engine=engine
    )
    cases = _cases(calibrate) if calibrate else ()
    if calibrate and not any(case.covered and not case.history for case in cases):
        raise SettingsError(f"{calibrate} has no question that the notes answer: add some.")
    _build(settings, cases=cases, wait=wait)


@app.command()
@says_errors
def ask(
    question: Annotated[str, typer.Argument(help="In Korean or English.")],
    limit: Annotated[int, typer.Option(min=1, max=20, help="Sections to show at most.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as over REST.")] = False,
    explain: Annotated[bool, typer.Option(help="Show each stage's scores.")] = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
) -> None:
    """Answer one question. Exit status 0: answered, 1: not covered, 2: bad use."""
    from assistant.answering.ask import Question, searchable
    from ui.terminal.printed_answer import show

    searchable(question)
    settings = read_settings(
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
    )
    assistant = _assistant(settings)
    answer = assistant.ask(Question(question, limit, explain=explain))
    if as_json:
        print(json.dumps(asdict(answer), ensure_ascii=False, indent=2), flush=True)
    else:
        show(answer, question, assistant.snapshot.manifest.corpora, _address(settings))
    if answer.status == "not_covered":
        raise typer.Exit(NOT_COVERED)


@app.command()
@says_errors
def chat(
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
) -> None:
    """Ask on and on: a conversation in the terminal, or a question a line from a pipe."""
    from ui.terminal.terminal_chat import converse

    settings = read_settings(
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
    )
    converse(_assistant(settings), _address(settings))


@app.command()
@says_errors
def serve(
    corpus: Corpus = None,
    watch: Annotated[
        bool | None, typer.Option("--watch", help="Build anew whenever the notes change.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
    public: Annotated[
        bool | None, typer.Option("--public", help="Let anyone ask who reaches the address.")
    ] = None,
    allowed_hosts: Annotated[
        str | None, typer.Option(help="Names it is reached by besides local ones.")
    ] = None,
    rate_limit: Annotated[
        str | None, typer.Option(help="Questions a caller may ask, as 60/minute, or 0.")
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="Where several servers count together.")
    ] = None,
    cors_origins: Annotated[str | None, typer.Option(help="Sites whose pages may ask.")] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help="Addresses of proxies whose word is taken.")
    ] = None,
    root_path: Annotated[
        str | None, typer.Option(help="Path below which a proxy shows it.")
    ] = None,
    keep_questions_days: Annotated[
        int | None, typer.Option(help="Days that questions are kept; 0: not at all.")
    ] = None,
    log_requests: Annotated[bool | None, typer.Option(help="A line in the log for each.")] = None,
    log_questions: Annotated[
        bool | None, typer.Option("--log-questions", help="Questions may stand in the log.")
    ] = None,
) -> None:
    """Serve the chat, the notes and the REST API; builds the index when there is none."""
    settings = read_settings(
        corpus=corpus,
        watch=watch,
        host=host,
        port=port,
        public=public,
        allowed_hosts=allowed_hosts,
        rate_limit=rate_limit,
        redis_url=redis_url,
        cors_origins=cors_origins,
        trusted_proxies=trusted_proxies,
        root_path=root_path,
        keep_questions_days=keep_questions_days,
        log_requests=log_requests,
        log_questions=log_questions,
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
    )
    from assistant.answering.ask import Question
    from assistant.http.access import access_mode
    from assistant.serving.api_keys import Keys

    # Before Gradio is loaded, which takes seconds.
    mode = access_mode(settings.host, settings.public, Keys(settings.data_dir))
    from ui.app import server

    with server.bind(settings.host, settings.port) as listener:
        address = _address(settings)

        def ready() -> None:
            say(f"Notes Assistant is ready: {address}\nAPI: {address}/docs   Stop: Ctrl+C")

        def opened() -> "Assistant":
            assistant = _assistant(settings, build_missing=True)
            # The first question loads what later ones share: nobody should wait for that.
            with suppress(StoreAway):
                assistant.ask(Question("ready?"))
            return assistant

        server.serve(settings, mode, opened, listener, ready)


@app.command()
@says_errors
def slack(
    corpus: Corpus = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
    rate_limit: Annotated[
        str | None, typer.Option(help="Questions a workspace may ask, as 60/minute, or 0.")
    ] = None,
) -> None:
    """Answer in Slack over Socket Mode, without a public address."""
    from ui.cli.slack_command import answer_slack

    settings = read_settings(
        corpus=corpus,
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
        rate_limit=rate_limit,
    )
    answer_slack(settings, lambda: _assistant(settings, build_missing=True))


@app.command()
@says_errors
def mcp(
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
) -> None:
    """Serve an assistant on this machine, as Claude, over stdin and stdout (MCP)."""
    settings = read_settings(
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
    )
    from ui.cli.mcp_command import answer_assistant

    answer_assistant(settings, lambda: _assistant(settings), _address(settings))


@app.command()
@says_errors
def gaps(
    days: Annotated[int, typer.Option(min=1, max=365, help="Of the last so many days.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Groups to show at most.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As over REST.")] = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
) -> None:
    """Show what the notes fail to answer: questions unanswered or voted down, grouped."""
    from ui.cli.gaps_command import show_gaps

    settings = read_settings(data_dir=data_dir, cache_dir=cache_dir, model=model, engine=engine)
    show_gaps(_assistant(settings), settings, days, limit, as_json)


@app.command(name="eval")
@says_errors
def evaluate(
    file: Annotated[Path, typer.Argument(help="Questions, a JSON Lines file.")],
    part: Annotated[str, typer.Option(help="Only questions of this part.")] = "",
    compare: Annotated[
        bool, typer.Option(help="Also each search alone, and without sentence embedding or reader.")
    ] = False,
    require: Annotated[
        list[str] | None, typer.Option(help="A bar, as 'ko R@1>=0.9'; exit status 1 if missed.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write numbers here.")] = None,
    curve: Annotated[
        Path | None, typer.Option(help="Draw risk against coverage here, an SVG file.")
    ] = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
) -> None:
    """Measure how well a file of questions is answered."""
    from ui.terminal import evaluation_report
    from ui.terminal.risk_curve import risk_coverage

    cases = _cases(file, part)
    settings = read_settings(
        data_dir=data_dir, cache_dir=cache_dir, model=model, engine=engine, reranker=reranker
    )
    runs = evaluation_report.run(_assistant(settings), cases, compare)
    numbers = evaluation_report.summary(runs)
    evaluation_report.show(numbers, f"{file.name}, {part or 'all'}: {len(cases)} questions")
    if json_file:
        evaluation_report.write(json_file, numbers, runs["fused"])
    if curve:
        curve.write_text(risk_coverage(runs["fused"]), "utf-8")
    if missed := evaluation_report.missed(numbers, require or []):
        say("Missed: " + "; ".join(missed))
        raise typer.Exit(1)


def _cases(file: Path, part: str = "") -> "list[Case]":
    from assistant.calibration.evaluate import read_cases

    return read_cases(file, part)


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


def _assistant(settings: Settings, build_missing: bool = False) -> "Assistant":
    from assistant.answering.ask import Assistant
    from assistant.milvus_connection import attached, milvus
    from assistant.retrieval.passage_reader import reranker_of
    from index.encoding.engines import open_encoder
    from index.storage import store

    try:
        snapshot = store.serviceable(settings.data_dir, say)
    except (IndexMissing, IndexMismatch) as error:
        if not build_missing:
            raise
        if isinstance(error, IndexMismatch):
            say(f"{error} That is done now, from what is encoded already.")
        snapshot = None
    encoder = open_encoder(settings.model, settings.engine, settings.cache_dir)
    snapshot = snapshot or _build(settings, encoder)
    store.check_weights(snapshot.manifest, encoder.weights)
    snapshot = attached(snapshot, milvus(settings))
    # Without an address, links are taken from that of the page: below where a proxy shows it.
    base = settings.public_url or settings.root_path
    return Assistant(
        snapshot, encoder, settings.link_template, base, settings.risk, reranker_of(settings)
    )


def _build(
    settings: Settings,
    encoder: "Encoder | None" = None,
    cases: "Sequence[Case]" = (),
    wait: bool = True,
) -> "Snapshot":
    from index.storage import store
    from ui.app.assembling import assemble
    from ui.cli.progress import shown

    before = ""
    with suppress(IndexUnusable):
        before = store.current(settings.data_dir)
    try:
        with shown() as (report, progress):
            snapshot = assemble(settings, report, encoder, cases, progress=progress, wait=wait)
    except KeyboardInterrupt:
        say("Stopped. What was encoded is kept: the next build goes on from there.")
        raise
    counts = snapshot.manifest.counts
    done = "Nothing has changed since" if snapshot.version == before else "Built"
    say(
        f"{done} version {snapshot.version}: {counts['documents']} documents, "
        f"{counts['passages']} passages, in {settings.data_dir}"
    )
    return snapshot
