"""Errors of the AWS SDK told in our words: never its own text where that could hold what was sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from syncer.backends.aws.credentials import ExpiredCredentialsError
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

# Codes of both services, of KMS and STS behind them and of the signing in front: their `service-2.json` in botocore,
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html, and what botocore tries again.
_KINDS: Mapping[type[SyncerError], frozenset[str]] = {
    Throttled: frozenset(
        {
            "BandwidthLimitExceeded",
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
            "DependencyTimeoutException",
            "IDPCommunicationError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalServiceErrorException",
            "KMSInternalException",
            "KeyUnavailableException",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        }
    ),
    NotFound: frozenset(
        {"InvalidResourceId", "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"}
    ),
    AlreadyExists: frozenset({"ParameterAlreadyExists", "ResourceExistsException"}),
}
_BY_CODE: Mapping[str, type[SyncerError]] = {code: kind for kind, codes in _KINDS.items() for code in codes}

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "KMSAccessDeniedException", "UnauthorizedOperation"})
_STALE = frozenset({"ExpiredToken", "ExpiredTokenException"})
_UNKNOWN = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_CLOCK = "is the clock of this machine right?"
_SIGNED = f"{_CLOCK} Is the secret access key the one of this access key?"
_UNKNOWN_HINTS: Mapping[str, str] = {
    "InvalidSignatureException": _SIGNED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "SignatureDoesNotMatch": _SIGNED,
}
_PENDING = re.compile(r"(marked|scheduled) (for deletion|deleted)", re.IGNORECASE)
_KMS = re.compile(r"\bKMS\b|\bkms:")
_RIGHT = re.compile(r"not authorized to perform: ([a-z0-9-]{2,30}:[A-Za-z]{3,60})\b")
_EXPLICIT = "explicit deny"
_CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
_DELAY = re.compile(r"[0-9]{1,9}")
_CREATE = "secretsmanager:CreateSecret"
_WHOLE = '"*", because IAM knows it for no single one'
_OF_EVERYTHING = frozenset(
    {"secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets", "ssm:DescribeParameters"}
)
_OK = 400
_TOO_MANY = 429
_BROKEN = 500

_GARBLED = (ResponseParserError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
"""What the SDK and we raise over an answer of another shape, a RecursionError too; their text quotes it."""

# Nothing of ours is raised while one of these is handled: it would hang on to it, and with it to the request.
SDK_ERRORS = (sdk.ClientError, sdk.BotoCoreError, ExpiredCredentialsError, *_GARBLED)
"""What a call of the SDK raises, and what reading its answer does."""

_NO_CREDENTIALS = (
    ExpiredCredentialsError,
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.MetadataRetrievalError,
    sdk.RefreshWithMFAUnsupportedError,
    sdk.UnknownCredentialError,
    sdk.TokenRetrievalError,
    sdk.SSOError,
    sdk.NoAuthTokenError,
    getattr(sdk, "LoginError", sdk.SSOError),  # of `aws login`, younger than the oldest SDK that will do
)
_SETTINGS = (
    sdk.ProfileNotFound,
    sdk.BaseEndpointResolverError,
    sdk.InvalidRegionError,
    sdk.InvalidEndpointConfigurationError,
    sdk.EndpointProviderError,
    sdk.ConfigParseError,
    sdk.ConfigNotFound,
    sdk.InvalidConfigError,
    sdk.InvalidDefaultsMode,
    sdk.InvalidProxiesConfigError,
    sdk.InvalidRetryConfigurationError,
    sdk.InvalidSTSRegionalEndpointsConfigError,
)
_LINE = (sdk.HTTPClientError, sdk.ConnectionError, sdk.IncompleteReadError)


def translated(error: Exception, action: str, thing: str) -> SyncerError:
    """Turn one of `SDK_ERRORS` into ours; `action` is IAM's name of the call, `thing` what it was about."""
    if not isinstance(error, sdk.ClientError):
        return _failed(error, action, thing)
    said, around = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, text, status = str(said.get("Code", "")), str(said.get("Message", "")), int(around.get("HTTPStatusCode", _OK))
    if error.operation_name.startswith("AssumeRole"):  # on the way to the call that was wanted
        action = f"sts:{error.operation_name}"
    problem = refusal(code, text, action, thing, status=status)
    if isinstance(problem, Throttled):
        problem.retry_after = _asked(around.get("HTTPHeaders", {}))
    return problem


def _asked(headers: Mapping[str, str]) -> float | None:
    """Give the seconds that a server asks for: in AWS's own header, of milliseconds, or in that of HTTP."""
    for name, unit in (("x-amz-retry-after", 1000), ("retry-after", 1)):
        if _DELAY.fullmatch(headers.get(name, "")):
            return int(headers[name]) / unit
    return None


def refusal(code: str, text: str, action: str, thing: str, *, status: int = _OK) -> SyncerError:
    """Turn a code and a text of AWS into ours. Of the text nothing shows but the name of a missing right."""
    code = code if _CODE.fullmatch(code) else "an unknown error"
    if code in _DENIED:
        return _denied(action, thing, text)
    if code in _STALE | _UNKNOWN:
        return _not_let_in(action, thing, code)
    pending = _PENDING.search(text) is not None
    kind = _kind(code, action, status, pending=pending)
    more = ", pending deletion" if pending else ""
    return kind(_SPOKEN[kind].format(thing=thing, action=action, code=code, more=more), hint=_HINTS.get(code))


def _kind(code: str, action: str, status: int, *, pending: bool) -> type[SyncerError]:
    if code == "InvalidRequestException" and pending:
        return AlreadyExists if action == _CREATE else NotFound
    kind = _BY_CODE.get(code)
    if kind is NotFound and action == _CREATE:
        return Refused  # what is not there is a key
    if kind is not None:
        return kind
    if status == _TOO_MANY:
        return Throttled
    # Where it did not fail, the service looked at the request and said no; its words may quote the request.
    return Transient if status >= _BROKEN else Refused


_SPOKEN: Mapping[type[SyncerError], str] = {
    Throttled: "{thing}: AWS asks for fewer calls ({action}: {code})",
    Transient: "{thing}: AWS failed at {action} ({code})",
    NotFound: "{thing}: not in AWS{more} ({action})",
    AlreadyExists: "{thing}: already in AWS{more} ({action})",
    Refused: "{thing}: AWS refused {action} ({code})",
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


def _denied(action: str, thing: str, text: str) -> AccessDenied:
    named = _RIGHT.search(text)
    right = named[1] if named else action
    if _KMS.search(text):
        message = f"{thing}: AWS denied the use of the KMS key ({action})"
        return AccessDenied(message, hint='the role needs "kms:Decrypt" and "kms:GenerateDataKey" on that key')
    where = "it, and a policy that does not deny it" if _EXPLICIT in text else "it"
    hint = f'the role needs "{right}" on {_WHOLE if right in _OF_EVERYTHING else where}'
    return AccessDenied(f"{thing}: AWS denied {action}", hint=hint)


def _not_let_in(action: str, thing: str, code: str) -> AccessDenied:
    if code in _STALE:
        message = f"{thing}: the AWS credentials have expired ({action})"
        return AccessDenied(message, hint="sign in again, or renew them, and run the command again")
    message = f"{thing}: AWS does not accept the credentials ({action}: {code})"
    return AccessDenied(
        message, hint=_UNKNOWN_HINTS.get(code, "`aws sts get-caller-identity` shows who you are to AWS")
    )


def _failed(error: Exception, action: str, thing: str) -> SyncerError:
    """Turn what went wrong before or instead of an answer into ours."""
    name = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        return _without_credentials(error, action, thing)
    if isinstance(error, _SETTINGS):
        return InvalidConfiguration(f"the AWS settings cannot be used{_clause(error)}", hint=SETTINGS_HINT)
    if isinstance(error, _LINE):
        return Transient(f"{thing}: no answer from AWS to {action} ({name})", hint=_LINE_HINTS.get(name))
    if isinstance(error, _GARBLED):
        return Transient(f"{thing}: no answer from AWS to {action} that can be read")
    if isinstance(error, sdk.ParamValidationError):  # it quotes what was to be sent
        return Refused(f"{thing}: the AWS SDK does not take what {action} was to say, and sent nothing")
    return BackendError(f"{thing}: the AWS SDK failed at {action} ({name})")


def _without_credentials(error: Exception, action: str, thing: str) -> AccessDenied:
    if isinstance(error, ExpiredCredentialsError):
        return AccessDenied(f"{thing}: the AWS credentials had expired when they came ({action})", hint=_CLOCK)
    message = f"{thing}: no AWS credentials that can be used ({action}: {type(error).__name__})"
    return AccessDenied(message, hint="set AWS_PROFILE, or sign in; the backend takes what the AWS tools take")


_LINE_HINTS: Mapping[str, str] = {
    "EndpointConnectionError": "is the region right, or the `endpoint_url`?",
    "ProxyConnectionError": "HTTPS_PROXY and NO_PROXY say which way to go",
    "SSLError": "AWS_CA_BUNDLE names the certificates to trust",
}
SETTINGS_HINT = "options `region`, `profile`, `endpoint_url`, or AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL"


def _clause(error: Exception) -> str:
    """Give what the SDK says of a setting, unless it repeats one that may be a value in the wrong place."""
    if isinstance(error, sdk.InvalidRegionError):
        return ": the region has no region's form"
    return ": " + str(error).rstrip(".").replace("\n", " ")
