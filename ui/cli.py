"""The command line: build, ask, serve."""

import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from assistant.settings import Settings, read_settings
from index.errors import IndexMissing, NotesError, SettingsError

if TYPE_CHECKING:
    from assistant.ask import Assistant
    from assistant.evaluate import Case
    from index.encoder import Encoder
    from index.store import Snapshot

NOT_COVERED = 1
BAD_USE = 2

app = typer.Typer(
    help="Ask your Markdown notes: answers word for word, each with a link to its section.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Parameters = ParamSpec("Parameters")
Corpus = Annotated[str | None, typer.Option(help="Folder of notes, or name=folder,name=folder.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the index is kept.")]
CacheDir = Annotated[Path | None, typer.Option(help="Where exported models are kept.")]
Model = Annotated[str | None, typer.Option(help="A sentence-transformers model, name or folder.")]
RerankerName = Annotated[str | None, typer.Option(help="A cross-encoder, name or folder.")]
Engine = Annotated[str | None, typer.Option(help="What runs the default model: onnx or torch.")]
PublicUrl = Annotated[str | None, typer.Option(help="Address people reach the server by.")]
LinkTemplate = Annotated[str | None, typer.Option(help="A link to a section of the notes.")]


def main() -> None:
    """Run the command line."""
    # Where a terminal cannot show Hangul, question marks say more than a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


def _says_errors(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Turn what went wrong into one line on stderr and exit status 2."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except NotesError as error:
            _say(f"notes: {error}")
            raise typer.Exit(BAD_USE) from None
        except OSError as error:
            # What reads the output is gone, or has no room.
            _say(f"notes: {error.strerror or error}")
            raise typer.Exit(BAD_USE) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@app.command()
@_says_errors
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
) -> None:
    """Build the index from a folder of Markdown."""
    settings = read_settings(
        corpus=path or corpus, data_dir=data_dir, cache_dir=cache_dir, model=model, engine=engine
    )
    cases = _cases(calibrate) if calibrate else ()
    if calibrate and not any(case.covered and not case.history for case in cases):
        raise SettingsError(f"{calibrate} has no question that the notes answer: add some.")
    _build(settings, cases=cases)


@app.command()
@_says_errors
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
    from assistant.ask import Question, searchable
    from ui.terminal import show

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
@_says_errors
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
    from ui.conversation import converse

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
@_says_errors
def serve(
    corpus: Corpus = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    model: Model = None,
    engine: Engine = None,
    reranker: RerankerName = None,
    public_url: PublicUrl = None,
    link_template: LinkTemplate = None,
) -> None:
    """Serve the chat, the notes and the REST API; builds the index when there is none."""
    settings = read_settings(
        corpus=corpus,
        host=host,
        port=port,
        data_dir=data_dir,
        cache_dir=cache_dir,
        model=model,
        engine=engine,
        reranker=reranker,
        public_url=public_url,
        link_template=link_template,
    )
    from assistant.ask import Question
    from ui import serve as server

    with server.bind(settings.host, settings.port) as listener:
        assistant = _assistant(settings, build_missing=True)
        address = _address(settings)

        def ready() -> None:
            _say(f"Notes Assistant is ready: {address}\nAPI: {address}/docs   Stop: Ctrl+C")

        application = server.application(assistant)
        # The first question loads what later ones share: nobody should wait for that.
        assistant.ask(Question("ready?"))
        server.serve(application, listener, ready)


@app.command(name="eval")
@_says_errors
def evaluate(
    file: Annotated[Path, typer.Argument(help="Questions, a JSON Lines file.")],
    part: Annotated[str, typer.Option(help="Only questions of this part.")] = "",
    compare: Annotated[bool, typer.Option(help="Also each search alone.")] = False,
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
    from ui import evaluation
    from ui.curve import risk_coverage

    cases = _cases(file, part)
    settings = read_settings(
        data_dir=data_dir, cache_dir=cache_dir, model=model, engine=engine, reranker=reranker
    )
    runs = evaluation.run(_assistant(settings), cases, compare)
    numbers = evaluation.summary(runs)
    evaluation.show(numbers, f"{file.name}, {part or 'all'}: {len(cases)} questions")
    if json_file:
        evaluation.write(json_file, numbers, runs["fused"])
    if curve:
        curve.write_text(risk_coverage(runs["fused"]), "utf-8")
    if missed := evaluation.missed(numbers, require or []):
        _say("Missed: " + "; ".join(missed))
        raise typer.Exit(1)


def _cases(file: Path, part: str = "") -> "list[Case]":
    from assistant.evaluate import read_cases

    return read_cases(file, part)


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


def _assistant(settings: Settings, build_missing: bool = False) -> "Assistant":
    from assistant.ask import Assistant
    from index import store
    from index.engines import open_encoder

    try:
        snapshot = store.load(settings.data_dir)
    except IndexMissing:
        if not build_missing:
            raise
        snapshot = None
    encoder = open_encoder(settings.model, settings.engine, settings.cache_dir)
    snapshot = snapshot or _build(settings, encoder)
    store.check_weights(snapshot.manifest, encoder.weights)
    reranker = None
    if settings.reranker:
        from assistant.rerank import CrossEncoderReranker

        reranker = CrossEncoderReranker(settings.reranker)
    return Assistant(
        snapshot, encoder, settings.link_template, settings.public_url, settings.risk, reranker
    )


def _build(
    settings: Settings, encoder: "Encoder | None" = None, cases: "Sequence[Case]" = ()
) -> "Snapshot":
    from index import corpus
    from index.engines import open_encoder
    from ui.building import build_index

    # Notes that cannot be read are told before seconds go into the model.
    collection = corpus.read(settings.corpora)
    encoder = encoder or open_encoder(settings.model, settings.engine, settings.cache_dir)
    snapshot = build_index(collection, settings.data_dir, encoder, _say, cases)
    counts = snapshot.manifest.counts
    _say(
        f"Built version {snapshot.version}: {counts['documents']} documents, "
        f"{counts['passages']} passages, in {settings.data_dir}"
    )
    return snapshot
