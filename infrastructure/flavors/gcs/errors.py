"""One-line messages for the errors of Google Cloud Storage."""

from stackfold.infrastructure.flavors.buckets.errors import BUSY, NO_BUCKET, Messages

_DENIED = "access is denied: correct service_account_key, or let the account use this bucket"
_NO_CREDENTIALS = (
    "there are no credentials: give service_account_key, or run "
    "`gcloud auth application-default login`"
)
_NO_KEY_FILE = (
    "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS names no file with the key of a "
    "service account: correct it, or give service_account_key"
)
_WRONG_KEY = "the key is wrong, or was deleted: correct the secret behind service_account_key"
_UNPAID = "the account of its project has a problem, such as unpaid bills"

MESSAGES = Messages(
    host="endpoint_url",
    by_text={
        "Error performing token request": _NO_CREDENTIALS,
        "computeMetadata": _NO_CREDENTIALS,
        "service account file": _NO_KEY_FILE,
        "GCP credential error": _NO_KEY_FILE,
        "One of service account path or service account key": "the variables "
        "GOOGLE_SERVICE_ACCOUNT and GOOGLE_SERVICE_ACCOUNT_KEY exclude each other: unset one",
    },
    by_code={
        "NoSuchBucket": NO_BUCKET,
        "AccessDenied": _DENIED,
        "AuthenticationRequired": _WRONG_KEY,
        "InvalidSecurity": _WRONG_KEY,
        "AccountProblem": _UNPAID,
        "UserProjectAccountProblem": _UNPAID,
        "UserProjectMissing": "the bucket lets those who read pay, which is not supported",
        "EntityTooLarge": "the artifact is larger than it takes",
    },
    by_status={
        "401": _WRONG_KEY,
        "403": _DENIED,
        "429": BUSY,
        "503": BUSY,
    },
)
