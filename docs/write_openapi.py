"""Writes docs/openapi.json, the description of the REST API that a server serves too."""

import json
from pathlib import Path
from typing import cast

from assistant.http.api import create_app
from assistant.serving.service import Service

FILE = Path(__file__).with_name("openapi.json")


def main() -> None:
    """Write the description; it needs no notes, since routes ask the service only when called."""
    document = create_app(cast(Service, None)).openapi()
    FILE.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
