"""Errors of the AWS SDK told in our words: never its own text where that could hold what was sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore import exceptions as sdk

from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Codes of both services and of the signing in front of them: their `service-2.json` in botocore, and
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
_KINDS: Mapping[type[SyncerError], frozenset[str]] = {
    Throttled: frozenset(
        {
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "TooManyUpdates",
        }
    ),
    Transient: frozenset(
        {
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalServiceErrorException",
            "RequestTimeout",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        }
    ),
    NotFound: frozenset({"InvalidResourceId", "ParameterNotFound", "ResourceNotFoundException"}),
    AlreadyExists: frozenset({"ParameterAlreadyExists", "ResourceExistsException"}),
}

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_STALE = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_PENDING = re.compile(r"marked for deletion|scheduled for deletion", re.IGNORECASE)
_KMS = re.compile(r"\bKMS\b")
_OK = 400
_BROKEN = 500

# Nothing of ours is raised while one of these is handled: it would hang on to it, and with it to the request.
_NO_CREDENTIALS = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.TokenRetrievalError,
    sdk.SSOError,
    sdk.NoAuthTokenError,
)
_SETTINGS = (
    sdk.ProfileNotFound,
    sdk.NoRegionError,
    sdk.InvalidRegionError,
    sdk.InvalidEndpointConfigurationError,
    sdk.ConfigParseError,
    sdk.ConfigNotFound,
    sdk.InvalidConfigError,
    sdk.UnknownEndpointError,
)
_LINE = (sdk.HTTPClientError, sdk.ConnectionError, sdk.IncompleteReadError, sdk.ResponseStreamingError)


def told(error: sdk.ClientError, action: str, thing: str) -> SyncerError:
    """Turn what a service answered into ours; `action` is IAM's name of the call, `thing` what it was about."""
    code = str(error.response.get("Error", {}).get("Code", "an unknown error"))
    text = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _OK))
    if code in _DENIED:
        return _denied(action, thing, kms=_KMS.search(text) is not None)
    if code in _STALE | _UNKNOWN:
        return _not_let_in(action, thing, code)
    for kind, codes in _KINDS.items():
        if code in codes:
            return kind(_SPOKEN[kind].format(thing=thing, action=action, code=code))
    if code == "InvalidRequestException" and _PENDING.search(text):
        return NotFound(f"{thing}: pending deletion ({action})")
    if status >= _BROKEN:
        return Transient(f"{thing}: AWS failed at {action} ({status} {code})")
    # The service looked at the request and said no; its words may quote the request.
    return Refused(f"{thing}: AWS refused {action} ({code})", hint=_HINTS.get(code))


_SPOKEN: Mapping[type[SyncerError], str] = {
    Throttled: "{thing}: AWS asks for fewer calls ({action}: {code})",
    Transient: "{thing}: AWS failed at {action} ({code})",
    NotFound: "{thing}: not in AWS ({action})",
    AlreadyExists: "{thing}: already in AWS ({action})",
}

_HINTS: Mapping[str, str] = {
    "DecryptionFailure": "its KMS key does not open it: is it disabled, or pending deletion?",
    "EncryptionFailure": "its KMS key does not seal: is it disabled, or of the wrong kind?",
    "HierarchyTypeMismatchException": "it is no SecureString and cannot become one: delete it and apply again",
    "InvalidKeyId": "`kms_key_id` names no key that can be used here",
    "LimitExceededException": "a quota of the account is used up",
    "ParameterLimitExceeded": "the account holds as many parameters as it may",
    "ParameterMaxVersionLimitExceeded": "its oldest version bears a label, so no newer one can push it out",
    "TooManyTagsError": "it bears as many tags as it may, those of others included",
}


def _denied(action: str, thing: str, *, kms: bool) -> AccessDenied:
    if kms:
        message = f"{thing}: AWS denied the use of the KMS key ({action})"
        return AccessDenied(message, hint='the role needs "kms:Decrypt" and "kms:GenerateDataKey" on that key')
    return AccessDenied(f"{thing}: AWS denied {action}", hint=f'the role needs "{action}" on it')


def _not_let_in(action: str, thing: str, code: str) -> AccessDenied:
    if code in _STALE:
        message = f"{thing}: the AWS credentials have expired ({action})"
        return AccessDenied(message, hint="sign in again, or renew them, and run the command again")
    message = f"{thing}: AWS does not accept the credentials ({action}: {code})"
    return AccessDenied(message, hint="`aws sts get-caller-identity` shows who you are to AWS")


def failed(error: sdk.BotoCoreError, action: str, thing: str) -> SyncerError:
    """Turn what went wrong before or instead of an answer into ours."""
    name = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        message = f"{thing}: no AWS credentials that can be used ({action}: {name})"
        return AccessDenied(message, hint="set AWS_PROFILE, or sign in; the backend takes what the AWS tools take")
    if isinstance(error, _SETTINGS):
        return InvalidConfiguration(f"the AWS settings cannot be used: {_clause(error)}", hint=_SETTINGS_HINT)
    if isinstance(error, _LINE):
        return Transient(f"{thing}: no answer from AWS to {action} ({name})")
    # A ParamValidationError quotes what was to be sent, so no error of a kind that we do not know is quoted.
    return BackendError(f"{thing}: the AWS SDK failed at {action} ({name})")


_SETTINGS_HINT = "options `region`, `profile`, `endpoint_url`, or AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL"


def _clause(error: sdk.BotoCoreError) -> str:
    return str(error).rstrip(".").replace("\n", " ")
