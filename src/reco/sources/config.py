"""The settings of one source in `reco.toml`, validated before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reco.catalogue.resource import FIELDS
from reco.sources.secrets import Headers, Token, secret_variables, web_address
from reco.storage.paths import Located

Kind = Literal[
    "csv",
    "jsonl",
    "json",
    "page",
    "xlsx",
    "ods",
    "parquet",
    "folder",
    "rss",
    "oai",
    "wordpress",
    "api",
    "site",
]

Keep = Literal["forever"] | int
LONGEST_KEEP = 36_500
"""Most days of `keep`: a century."""

_REMOTE_ONLY = frozenset(("oai", "wordpress", "api", "site"))
_LOCAL_ONLY = frozenset(("folder",))
_OPTION_KINDS: Mapping[str, frozenset[str]] = {
    "delimiter": frozenset(("csv", "folder")),
    "encoding": frozenset(("csv", "page", "folder")),
    "records": frozenset(("json", "api", "folder")),
    "sheet": frozenset(("xlsx", "ods", "folder")),
    "header_row": frozenset(("csv", "xlsx", "ods", "folder")),
    "subfolders": frozenset(("folder",)),
    "pagination": frozenset(("api",)),
    "page_size": frozenset(("wordpress",)),
    "set": frozenset(("oai",)),
    "metadata_prefix": frozenset(("oai",)),
    "harvest_days": frozenset(("oai",)),
    "keep": frozenset(("rss", "wordpress", "api", "json", "site")),
    "include": frozenset(("site",)),
    "delay_seconds": frozenset(("site",)),
}


class Pagination(BaseModel):
    """The pagination of a JSON API.

    `position` names the parameter of the offset, page number or cursor; `start` is its first value (an
    offset or a page number). `cursor` is the dotted path, in a response, of the next cursor or of the next
    page's address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["offset", "page", "cursor"]
    position: str = ""
    size: str = ""
    page_size: int = Field(default=100, ge=1, le=10_000)
    start: int | None = Field(default=None, ge=0)
    cursor: str = ""

    @model_validator(mode="after")
    def _has_cursor(self) -> Self:
        if (self.mode == "cursor") != bool(self.cursor):
            raise ValueError(
                "`cursor`, the path of the next cursor, goes with mode = 'cursor' and with no other mode"
            )
        return self

    @property
    def position_parameter(self) -> str:
        return self.position or self.mode

    @property
    def first(self) -> int:
        return self.start if self.start is not None else int(self.mode == "page")


class SourceConfig(BaseModel):
    """The settings of one source: its place, its layout and its limits.

    `label` is its name in the app. `fields` maps our field to their column, e.g. `title = "Titre"`, or to a
    dotted path in nested data; an unmapped field is looked up under its own name. `constants` always win,
    `defaults` fill absent or blank values, `splits` gives a field's separator. `header_row` is the
    line of a table's column names, from 1; by default it is found. `subfolders` reads those of a drop
    folder too. `include` is how the path of a site's pages starts, and `delay_seconds` the pause between two
    requests to the site. Limits apply to one reading of the source: `max_bytes` counts decompressed bytes,
    `max_memory` the bytes of memory that reading may take, `reject_limit` is the share of bad rows above
    which the caller refuses the source.

    `headers` are sent with each request, `token` is exchanged for a bearer token first; a value "env:NAME"
    stands for a variable that is read when the source is. `keep` says how long rows stay that the source
    no longer gives: "forever", or a number of days. `harvest_days` is the number of days after which an
    OAI-PMH repository is read whole again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^\w[\w.-]{0,63}$")
    label: str = Field(default="", max_length=100)
    kind: Kind
    path: Located | None = None
    url: str = ""

    fields: dict[str, str] = {}
    constants: dict[str, str] = {}
    defaults: dict[str, str] = {}
    splits: dict[str, str] = {}
    themes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    closed: bool = False
    reject_limit: float = Field(default=0.05, ge=0, le=1)

    encoding: str = ""
    delimiter: str = Field(default="", max_length=1)
    records: str = ""
    sheet: str = ""
    subfolders: bool = False
    header_row: int | None = Field(default=None, ge=1)
    pagination: Pagination | None = None
    page_size: int = Field(default=100, ge=1, le=100)
    set: str = ""
    metadata_prefix: str = "oai_dc"
    harvest_days: int = Field(default=30, ge=0)
    keep: Keep | None = None
    include: str = Field(default="", pattern=r"^(/.*)?$")
    delay_seconds: float = Field(default=1, ge=0, le=3_600)

    headers: Headers = {}
    token: Token | None = None
    allow_private: bool = False
    timeout_seconds: float = Field(default=20, gt=0, le=600)
    max_seconds: float = Field(default=600, gt=0)
    max_bytes: int = Field(default=200_000_000, ge=1)
    max_memory: int = Field(default=2_000_000_000, ge=100_000_000)
    max_pages: int = Field(default=1_000, ge=1)
    retries: int = Field(default=3, ge=0, le=10)

    @property
    def place(self) -> str:
        """The path or address of the source, for messages.

        Bytes of a file name that are not UTF-8 are escaped: they cannot be printed.
        """
        return self.url or str(self.path).encode("utf-8", "backslashreplace").decode()

    @field_validator("keep", mode="before")
    @classmethod
    def _known_keep(cls, keep: object) -> object:
        if keep == "forever" or keep is None or (type(keep) is int and 1 <= keep <= LONGEST_KEEP):
            return keep
        raise ValueError(f'write "forever", or a number of days from 1 to {LONGEST_KEEP}')

    @field_validator("fields", "constants", "defaults", "splits")
    @classmethod
    def _ours(cls, mapping: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(mapping) - set(FIELDS)):
            raise ValueError(f"{', '.join(unknown)}: not a field of reco; the fields are {', '.join(FIELDS)}")
        if blank := sorted(ours for ours, theirs in mapping.items() if not theirs):
            raise ValueError(f"{', '.join(blank)}: the text is empty; leave the line out")
        return mapping

    @field_validator("constants", "defaults")
    @classmethod
    def _no_shared_id(cls, mapping: dict[str, str]) -> dict[str, str]:
        if "id" in mapping:
            raise ValueError("id: every row needs its own id")
        return mapping

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding or "utf-8")
        except LookupError:
            raise ValueError(f"{encoding}: not an encoding; write utf-8, cp1252 or latin-1") from None
        return encoding

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        return web_address(url) if url else url

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (not self.url):
            raise ValueError("give either `path` or `url`, and only one of them")
        if self.path is not None and self.kind in _REMOTE_ONLY:
            raise ValueError(f"a source of kind {self.kind} is read from a `url`, not from a `path`")
        if self.url and self.kind in _LOCAL_ONLY:
            raise ValueError(f"a source of kind {self.kind} is read from a `path`, not from a `url`")
        return self

    @model_validator(mode="after")
    def _safe_secrets(self) -> Self:
        if (self.headers or self.token) and not self.url:
            raise ValueError("`headers` and `token` go with a `url`")
        if self.token is not None and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("`token` gives the header Authorization; take it out of `headers`")
        addresses = [self.url] if secret_variables(self.headers) or self.token else []
        addresses += [self.token.url] if self.token is not None else []
        for address in addresses:
            if not self.allow_private and urlsplit(address).scheme.lower() != "https":
                raise ValueError(f"{address}: a secret is only sent to an address that starts with https://")
        return self

    @model_validator(mode="after")
    def _no_idle_option(self) -> Self:
        for option, kinds in _OPTION_KINDS.items():
            if option in self.model_fields_set and self.kind not in kinds:
                raise ValueError(
                    f"`{option}` does not apply to kind {self.kind}, only to {', '.join(sorted(kinds))}"
                )
        return self

    @model_validator(mode="after")
    def _polite(self) -> Self:
        if self.delay_seconds == 0 and not self.allow_private:
            raise ValueError(
                "`delay_seconds` is 0, which a server of others may take for an attack; "
                "only a server of your own network (`allow_private = true`) is read without a pause"
            )
        return self
