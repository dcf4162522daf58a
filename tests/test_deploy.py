"""What deploys the program is valid, and agrees with the program and with itself."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator
from pathspec import GitIgnoreSpec
from running import ROOT, Server, notes

from assistant.settings import Settings

DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
MILVUS = list(yaml.safe_load_all((DEPLOY / "kubernetes.milvus.yaml").read_text()))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE = dict(re.findall(r"\b(NOTES_\w+)=(\S+)", DOCKERFILE))
USER = 10001


def workloads() -> Iterator[dict[str, Any]]:
    for resource in KUBERNETES:
        if resource["kind"] in ("StatefulSet", "Deployment"):
            yield resource["spec"]["template"]["spec"]


def servers() -> dict[str, Any]:
    (found,) = (each for each in workloads() if each["containers"][0]["name"] == "notes")
    return found


@pytest.mark.parametrize("name", ["compose.yaml", "compose.milvus.yaml"])
def test_compose_is_what_its_specification_says(name: str) -> None:
    compose = yaml.safe_load((DEPLOY / name).read_text())
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    faults = Draft7Validator(json.loads(schema.read_text())).iter_errors(compose)
    assert [fault.message for fault in faults] == []


@pytest.mark.parametrize(
    "resource",
    [*KUBERNETES, *MILVUS],
    ids=lambda each: f"{each['kind']}-{each['metadata']['name']}",
)
def test_kubernetes_takes_each_resource(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(
    "file",
    [ROOT / "Dockerfile", *sorted(DEPLOY.iterdir()), ROOT / "docs/deploy.md"],
    ids=lambda file: file.name,
)
def test_settings_named_exist(file: Path) -> None:
    named = set(re.findall(r"\bNOTES_[A-Z_]+[A-Z]\b", file.read_text()))
    assert named <= {f"NOTES_{name.upper()}" for name in Settings.model_fields}


def test_the_image_holds_what_the_program_is_made_of() -> None:
    ignored = GitIgnoreSpec.from_lines((ROOT / ".dockerignore").read_text().splitlines())
    copied = [
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    ]
    for source in copied:
        assert (ROOT / source).exists()
        assert not ignored.match_file(source), source
    found = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {name.removesuffix("*") for name in found}
    assert packages | {PROJECT["project"]["readme"]} <= set(copied)


def test_nothing_secret_or_large_goes_to_the_builder() -> None:
    ignored = GitIgnoreSpec.from_lines((ROOT / ".dockerignore").read_text().splitlines())
    for name in (".env", "deploy/notes.env", ".git/config", ".venv/bin/notes", "ui/__pycache__/a"):
        assert ignored.match_file(name), name


def test_the_same_torch_everywhere() -> None:
    (pinned,) = (
        each for each in PROJECT["project"]["optional-dependencies"]["torch"] if "==" in each
    )
    assert pinned in (DEPLOY / "install.sh").read_text()


def test_the_port_is_the_same_everywhere() -> None:
    port = Settings.model_fields["port"].default
    assert IMAGE["NOTES_PORT"] == str(port)
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [str(port)]
    assert f"port {port}\n" in (DEPLOY / "Caddyfile").read_text()
    ports = servers()["containers"][0]["ports"]
    assert [each["containerPort"] for each in ports] == [port]


def test_probes_are_answered(server: Server) -> None:
    container = servers()["containers"][0]
    probed = {
        container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "readiness", "liveness")
    }
    for path in probed:
        assert httpx.get(server.url + path).status_code == 200


@pytest.mark.parametrize("reached", [True, False])
def test_the_image_is_healthy_when_questions_are_answered(server: Server, reached: bool) -> None:
    (command,) = re.findall(r'^ +CMD (\["python".*\])$', DOCKERFILE, re.MULTILINE)
    port = server.url.rpartition(":")[2] if reached else "1"
    probe = [sys.executable, *json.loads(command)[1:]]
    done = subprocess.run(probe, env={"NOTES_PORT": port}, capture_output=True, check=False)
    assert (done.returncode == 0) is reached


def test_as_it_is_the_image_serves_nobody_without_a_key(tmp_path: Path) -> None:
    settings = {name: IMAGE[name] for name in ("NOTES_HOST", "NOTES_PORT")}
    (command,) = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    refused = notes(tmp_path, *json.loads(command)[1:], **settings)
    assert refused.returncode == 2
    assert "notes keys create" in refused.stderr


def test_folders_are_where_the_image_looks_for_them() -> None:
    data, corpus = IMAGE["NOTES_DATA_DIR"], IMAGE["NOTES_CORPUS"]
    assert f"VOLUME {data}\n" in DOCKERFILE
    assert f"/opt/app {IMAGE['NOTES_CACHE_DIR']}\n" in DOCKERFILE
    mounts = {each["mountPath"]: each for each in servers()["containers"][0]["volumeMounts"]}
    assert mounts.keys() == {data, f"{data}/keys.sqlite3", corpus, "/tmp"}  # noqa: S108
    assert mounts[corpus]["readOnly"]
    for name in ("watcher", "server"):
        volumes = COMPOSE["services"][name]["volumes"]
        mounted = [each.removesuffix(":ro").rpartition(":")[2] for each in volumes]
        assert mounted == [data, corpus]


def test_proxies_that_are_trusted_are_those_of_the_network() -> None:
    (network,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    for name in ("watcher", "server"):
        trusted = COMPOSE["services"][name]["environment"]["NOTES_TRUSTED_PROXIES"]
        assert trusted == network["subnet"]


def test_nothing_runs_with_more_rights_than_it_needs() -> None:
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for pod in workloads():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        rights = pod["containers"][0]["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
    assert f"USER {USER}:{USER}\n" in DOCKERFILE
    assert servers()["securityContext"]["runAsUser"] == USER


def test_what_resources_refer_to_is_defined_or_documented() -> None:
    defined = {(each["kind"], each["metadata"]["name"]) for each in KUBERNETES}
    page = (ROOT / "docs/deploy.md").read_text()
    pod = servers()
    for volume in pod["volumes"]:
        name = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
        assert name is None or name in page
    for source in pod["containers"][0]["envFrom"]:
        if "configMapRef" in source:
            assert ("ConfigMap", source["configMapRef"]["name"]) in defined
    url = next(each for each in KUBERNETES if each["kind"] == "ConfigMap")["data"][
        "NOTES_REDIS_URL"
    ]
    assert ("Service", url.removeprefix("redis://").partition(":")[0]) in defined


def test_milvus_is_where_the_servers_look_for_it() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.milvus.yaml").read_text())
    for name in ("watcher", "server"):
        assert name in COMPOSE["services"]
        assert compose["services"][name]["environment"] == {
            "NOTES_MILVUS_URI": "http://milvus:19530"
        }
    assert compose["services"]["milvus"]["networks"] == ["back"]
    (service,) = (each for each in MILVUS if each["kind"] == "Service")
    named = re.findall(r"http://([\w-]+):19530", (DEPLOY / "kubernetes.milvus.yaml").read_text())
    assert named == [service["metadata"]["name"]]
