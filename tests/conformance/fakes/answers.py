"""Refusals as AWS and Vault word them, ready for a rule of the fault proxy."""

from __future__ import annotations

import json

from conformance.fakes.loopback import Answer

USER = "arn:aws:iam::123456789012:user/ci"


def _encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def aws_error(kind: str, message: str, status: int = 400, member: str = "message") -> Answer:
    """Give an error of the JSON 1.1 protocol; what a service models says `Message`, the front end mostly `message`."""
    return Answer(
        status=status,
        headers=(
            ("x-amzn-RequestId", "6f6d7c4e-3c0b-4f0a-9a57-2f8f1d0c7b1e"),
            ("Content-Type", "application/x-amz-json-1.1"),
        ),
        body=_encoded({"__type": kind, member: message}),
    )


def access_denied(action: str, resource: str = "") -> Answer:
    """Refuse an action such as `secretsmanager:ListSecrets`; calls on one secret name it as the resource."""
    where = f" on resource: {resource}" if resource else ""
    because = f"because no identity-based policy allows the {action} action"
    message = f"User: {USER} is not authorized to perform: {action}{where} {because}"
    return aws_error("AccessDeniedException", message, member="Message")


THROTTLED = aws_error("ThrottlingException", "Rate exceeded")
TOO_MANY_REQUESTS = aws_error("TooManyRequestsException", "Too Many Requests")
"""No error of Secrets Manager or SSM in botocore's models, yet one that its standard retries know as throttling."""
TOO_MANY_UPDATES = aws_error("TooManyUpdates", "There are concurrent updates for this parameter.", member="Message")
"""SSM's PutParameter when two write at once; botocore never retries it."""
INTERNAL_ERROR = aws_error("InternalServiceError", "An error occurred on the server side.", 500, "Message")
SSM_INTERNAL_ERROR = aws_error("InternalServerError", "An error occurred on the server side.", 500, "Message")
UNAVAILABLE = aws_error("ServiceUnavailable", "Service is temporarily unavailable.", 503)
BARE_UNAVAILABLE = Answer(
    status=503,
    headers=(("Content-Type", "text/html"),),
    body=b"<html><body><b>Http/1.1 Service Unavailable</b></body> </html>",
)
"""A load balancer's page instead of JSON: botocore's error code is then "503"."""
EXPIRED_TOKEN = aws_error("ExpiredTokenException", "The security token included in the request is expired")
UNRECOGNIZED_CLIENT = aws_error("UnrecognizedClientException", "The security token included in the request is invalid.")


def vault_error(status: int, *errors: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Give an error of Vault or OpenBao, with the newline that Go's encoder adds."""
    fixed = (("Cache-Control", "no-store"), ("Content-Type", "application/json"))
    return Answer(status=status, headers=(*fixed, *headers), body=_encoded({"errors": errors}) + b"\n")


VAULT_DENIED = vault_error(403, "1 error occurred:\n\t* permission denied\n\n")
"""A valid token whose policies do not reach; OpenBao 2.6.2 says the same."""
VAULT_INVALID_TOKEN = vault_error(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
OPENBAO_INVALID_TOKEN = vault_error(403, "permission denied")
"""OpenBao 2.6.2, also where there is no token at all."""
VAULT_STALE_INDEX = vault_error(412, "1 error occurred:\n\t* required index state not present\n\n")
"""A performance standby that is behind the caller's last write."""
VAULT_SEALED = vault_error(503, "Vault is sealed")


def vault_rate_limited(path: str, retry_after: int | None = 1) -> Answer:
    """Refuse by a quota; `Retry-After`, in seconds, comes only where the operator has switched it on."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return vault_error(429, f'request path "{path}": rate limit quota exceeded', headers=headers)
