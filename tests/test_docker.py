"""No container engine is needed to see that the files name things that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dropoff import settings
from dropoff.cli import _parser

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
EXAMPLE = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", (DOCKER / "example.env").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "example.env"])
def test_only_documented_settings_are_named(name: str) -> None:
    named = set(re.findall(r"DROPOFF_[A-Z0-9_]+", (DOCKER / name).read_text(encoding="utf-8")))
    assert named <= set(settings.DOCUMENTED)


@pytest.mark.parametrize("service", ["service", "worker"])
def test_commands_are_commands_of_ours(service: str) -> None:
    program, *arguments = COMPOSE["services"][service]["command"]
    assert program == "dropoff"
    _parser().parse_args(arguments)


def test_the_image_starts_a_command_of_ours() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)
    program, *arguments = [word.strip().strip('"') for word in command.split(",")]
    assert program == "dropoff"
    _parser().parse_args(arguments)
    copied = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    sources = [name for line in copied for name in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in sources)
    users = re.findall(r"^USER (\w+)$", text, re.MULTILINE)
    assert users
    assert users[-1] != "root"


def test_every_variable_of_compose_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", (DOCKER / "compose.yaml").read_text(encoding="utf-8")))
    assert used == set(EXAMPLE)


def test_the_environment_of_compose_is_one_the_service_starts_with() -> None:
    filled = {**EXAMPLE, "DROPOFF_SECRET": "s" * 64, "DROPOFF_OPERATOR_KEY": "k" * 48, "POSTGRES_PASSWORD": "p"}

    def value(text: str) -> str:
        return re.sub(r"\$\{([A-Z0-9_]+)[^}]*\}", lambda found: filled[found.group(1)], text)

    for name in ("service", "worker"):
        environment = {key: value(text) for key, text in COMPOSE["services"][name]["environment"].items()}
        assert settings.load(environment).database_url == "postgresql://dropoff:p@database/dropoff"
