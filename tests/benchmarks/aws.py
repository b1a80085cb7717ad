"""AWS Secrets Manager: plans that find nothing to do, beside Terraform with its provider on the same server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.measure import RUNS, clean_environment, cpu, once, show_cpu
from conformance.fakes.moto_server import moto_server
from conformance.fakes.secrets_listing import entries, secrets_listing
from stores import AWS

FEW = 1_000
MANY = 10_000
SCOPES = 10

TERRAFORM = """
resource "aws_secretsmanager_secret" "s{number}" {{
  name = "terraform/payments/secret-{number:04}"
  tags = {{ team = "payments" }}
}}
resource "aws_secretsmanager_secret_version" "s{number}" {{
  secret_id     = aws_secretsmanager_secret.s{number}.id
  secret_string = "value-{number}"
}}
"""
PROVIDER = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region                      = "eu-central-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {{ secretsmanager = "{url}" }}
}}
"""


def bench_aws(python: Path, workplace: Path) -> None:
    """A thousand secrets on moto, ten thousand on a server that lists and nothing else."""
    with moto_server() as url:
        _few(python, workplace / "aws-few", url)
        _terraform(workplace / "aws-terraform", url)
    with secrets_listing(entries("bench", [f"scope{n}" for n in range(SCOPES)], MANY // SCOPES)) as url:
        _many(python, workplace / "aws-many", url)


def _few(python: Path, folder: Path, url: str) -> None:
    syncer = python.with_name("syncer")
    environ = _project(folder, url, FEW)
    applied = once([syncer, "apply", "--auto-approve"], folder, environ)
    planned = [once([syncer, "plan"], folder, environ) for _ in range(RUNS)]
    print(f"\nAWS, {FEW} secrets on moto: apply {show_cpu([applied])}")
    print(f"  no-op plan {show_cpu(planned)} (at most 2 s of CPU, 150 MB); {_calls(planned[-1].output)}")
    verified = once([syncer, "plan", "--verify-values"], folder, environ)
    print(f"  with --verify-values {show_cpu([verified])}; {_calls(verified.output)}")


def _many(python: Path, folder: Path, url: str) -> None:
    syncer = python.with_name("syncer")
    environ = _project(folder, url, MANY)
    # The server only lists, so the state is written here, as an apply would have left it.
    seed = Path(__file__).with_name("remote_state.py")
    subprocess.run([python, seed], cwd=folder, env=environ, check=True)
    planned = [once([syncer, "plan"], folder, environ) for _ in range(RUNS)]
    print(f"AWS, {MANY} secrets on a lean listing")
    print(f"  no-op plan {show_cpu(planned)} (at most 5 s of CPU, 300 MB); {_calls(planned[-1].output)}")


def _project(folder: Path, url: str, secrets: int) -> dict[str, str]:
    folder.mkdir()
    lines = ["version: 1", "project: bench", "backend: {type: aws-secrets-manager}"]
    lines += ["defaults: {tags: {team: payments}}", "scopes:"]
    for scope in range(SCOPES):
        lines += [f"  scope{scope}:", "    secrets:"]
        for number in range(secrets // SCOPES):
            index = scope * (secrets // SCOPES) + number
            lines += [f"      app/key-{number:05}:", f"        source: {{env: BENCH_{index}}}"]
            lines += [f"        description: number {index}"]
    (folder / "syncer.yaml").write_text("\n".join(lines) + "\n")
    values = {f"BENCH_{number}": f"value-{number}" for number in range(secrets)}
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    return clean_environment() | AWS | values | {"AWS_ENDPOINT_URL": url, "SYNCER_KEY": key}


def _calls(output: str) -> str:
    found = re.search(r"^Calls: (.*)\.$", output, re.MULTILINE)
    assert found, output
    assert "No changes." in output, output
    return found[1]


def _terraform(folder: Path, url: str) -> None:
    """The same number of secrets on the same server, where terraform and its AWS provider are on the machine."""
    folder.mkdir()
    blocks = (TERRAFORM.format(number=number) for number in range(FEW))
    (folder / "main.tf").write_text(PROVIDER.format(url=url) + "".join(blocks))
    environ = clean_environment() | AWS | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    if shutil.which("terraform") is None or not _initialised(folder, environ):
        print("  terraform with its AWS provider: not on this machine, not compared")
        return
    applied = once(["terraform", "apply", "-auto-approve", "-input=false"], folder, environ)
    planned = [once(["terraform", "plan", "-input=false"], folder, environ)]
    print(f"  terraform with its AWS provider, the same: apply {show_cpu([applied])}; no-op plan {show_cpu(planned)}")
    print(f"  CPU of terraform's plan: {cpu(planned):.1f} s; ours is to need 15 times less, and 300 times fewer calls")


def _initialised(folder: Path, environ: dict[str, str]) -> bool:
    """Find the provider where terraform looks, or in the folder that SYNCER_BENCH_TF_PLUGINS names."""
    plugins = os.environ.get("SYNCER_BENCH_TF_PLUGINS")
    command = ["terraform", "init", "-input=false", *([f"-plugin-dir={plugins}"] if plugins else [])]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=120, check=False)
    return done.returncode == 0
