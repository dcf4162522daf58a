"""Settings: environment variables `NOTES_…` and a `.env` file, read once at the entry point."""

import re
from ipaddress import ip_network
from pathlib import Path

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.links import READER, check_template
from index.errors import CorpusError, SettingsError

_APP = "notes-assistant"
_RATE = re.compile(r"[1-9]\d{0,6}/(second|minute|hour|day)")
_ORIGIN = re.compile(r"https?://[^/\s,*]+|\*")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


class Settings(BaseSettings):
    """The settings of an operator; every command takes the same names as options."""

    model_config = SettingsConfigDict(
        env_prefix="NOTES_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    corpus: str = Field(
        "corpus", description="Folder or file of notes, or several as name=folder,name=file.md"
    )
    include: str = Field(
        "", description="Which files are notes, globs as in .gitignore: docs/**,*.mdx; default: all"
    )
    exclude: str = Field("", description="Which are not: drafts/,CHANGELOG.md")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path(_APP), description="Where the index is kept"
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path(_APP), description="Where exported models are kept"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on")
    public_url: str = Field("", description="Address people reach it by; makes links absolute")
    link_template: str = Field(
        READER,
        description="A link to a section of the notes, or one a corpus as "
        "name=template name=template, with white space between",
    )
    model: str = Field(
        "", description="A sentence-transformers model, name or folder; empty: the default model"
    )
    risk: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="Share of questions graded `answers` answered wrongly, at most",
    )
    reranker: str = Field("", description="A cross-encoder for a second look, name or folder")
    engine: str = Field(
        "onnx", pattern="^(onnx|torch)$", description="What runs the default model: onnx or torch"
    )

    watch: bool = Field(False, description="Build anew whenever the notes change")
    keep_versions: int = Field(
        3, ge=1, le=100, description="Versions of the index that stay, to go back to"
    )
    contact: str = Field(
        "", description="Where the notes' author is told of what is missing: mailto: or https://"
    )
    public: bool = Field(
        False, description="Let anyone ask who reaches the address, under a rate limit"
    )
    allowed_hosts: str = Field(
        "", description="Names it is reached by besides local ones, as notes.example.com,…"
    )
    rate_limit: str = Field(
        "",
        description="Questions a caller may ask, as 60/minute, or 0 for no limit; "
        "default: 60/minute where others reach it, none on this machine alone",
    )
    redis_url: str = Field("", description="Where several servers count together, redis://…")
    milvus_uri: str = Field(
        "", description="What searches the vectors instead of FAISS, http://…:19530"
    )
    milvus_token: str = Field("", repr=False, description="Milvus' token, or user:password")
    cors_origins: str = Field("", description="Sites whose pages may ask, as https://wiki.org,…")
    trusted_proxies: str = Field("", description="Addresses of proxies whose word is taken")
    root_path: str = Field("", description="Path below which a proxy shows it, as /assistant")
    keep_questions_days: int = Field(
        90, ge=0, description="Days that questions are kept for their authors; 0: not at all"
    )
    log_requests: bool = Field(True, description="A line in the log for each request")
    log_questions: bool = Field(False, description="Questions may stand in the log")
    slack_signing_secret: str = Field(
        "", repr=False, description="Slack's signing secret; opens /slack/events"
    )
    slack_bot_token: str = Field("", repr=False, description="Slack's bot token, xoxb-…")
    slack_app_token: str = Field(
        "", repr=False, description="Slack's app-level token for Socket Mode, xapp-…"
    )
    slack_api_url: str = Field("", description="Another address of Slack's Web API, for tests")

    @field_validator("contact")
    @classmethod
    def _reached(cls, value: str) -> str:
        if value and not value.startswith(("mailto:", "https://", "http://")):
            raise ValueError("must start with mailto:, https:// or http://")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        if value not in ("", "0") and not _RATE.fullmatch(value):
            raise ValueError("write a number and a time, as 60/minute, or 0")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for entry in listed(value):
            ip_network(entry, strict=False)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for entry in listed(value):
            if not _ORIGIN.fullmatch(entry):
                raise ValueError("write origins, as https://wiki.example.com, without a path")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        for entry in listed(value):
            if entry != "*" and not _HOST.fullmatch(entry):
                raise ValueError("write names, as notes.example.com or *.example.com")
        return value

    @field_validator("root_path")
    @classmethod
    def _root(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must start with /")
        return value.rstrip("/")

    @field_validator("public_url", "slack_api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("link_template")
    @classmethod
    def _fields(cls, value: str) -> str:
        check_template(value)
        return value

    @field_validator("include", "exclude")
    @classmethod
    def _globs(cls, value: str) -> str:
        if not value:
            return value
        from index.reading.note_files import chosen

        try:
            chosen(listed(value))
        except CorpusError as error:
            raise ValueError(str(error)) from error
        return value

    @property
    def included(self) -> list[str]:
        """Return the globs of the files to read; an empty list means all files."""
        return listed(self.include)

    @property
    def excluded(self) -> list[str]:
        """Return the globs of the files to leave out."""
        return listed(self.exclude)

    @property
    def corpora(self) -> dict[str, Path]:
        """Return the folder or file of each corpus by name; one without a name is `default`."""
        if "=" not in self.corpus:
            return {"default": Path(self.corpus).expanduser()}
        pairs = (part.partition("=") for part in self.corpus.split(",") if part.strip())
        found = {name.strip(): Path(folder.strip()).expanduser() for name, _, folder in pairs}
        if not all(name and str(folder) != "." for name, folder in found.items()):
            raise SettingsError(
                f"NOTES_CORPUS is {self.corpus!r}: write a folder, or name=folder,name=file.md."
            )
        return found


def listed(value: str) -> list[str]:
    """Return the entries of a setting, which commas separate."""
    return [entry.strip() for entry in value.split(",") if entry.strip()]


def read_settings(**options: object) -> Settings:
    """Return the settings; an option that is not None replaces the environment's value.

    Raises SettingsError that names each wrong variable and its value.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = (
            f"NOTES_{'_'.join(map(str, item['loc'])).upper()} is {item['input']!r}: {item['msg']}"
            for item in error.errors()
        )
        raise SettingsError("; ".join(faults)) from error
