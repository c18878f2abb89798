"""One-line messages for the errors of an S3 store."""

from stackfold.infrastructure.flavors.buckets.errors import BUSY, NO_BUCKET, Messages

_DENIED = "access is denied: correct key and secret, or let them use this bucket and prefix"
_OTHER_REGION = "the bucket is in another region: correct region"
_NO_CREDENTIALS = "there are no credentials: give key and secret, or set them up for AWS"

MESSAGES = Messages(
    host="endpoint_url",
    by_text={"CredentialsProvider": _NO_CREDENTIALS, "169.254.169.254": _NO_CREDENTIALS},
    by_code={
        "NoSuchBucket": NO_BUCKET,
        "InvalidAccessKeyId": "it does not know this access key: correct the secret behind key",
        "SignatureDoesNotMatch": "the secret key is wrong: correct the secret behind secret",
        "ExpiredToken": "the credentials have expired: renew the secret behind token",
        "InvalidToken": "the session token is wrong: correct the secret behind token",
        "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
        "AuthorizationHeaderMalformed": _OTHER_REGION,
        "PermanentRedirect": _OTHER_REGION,
        "QuotaExceeded": "its quota is used up: free some space",
        "EntityTooLarge": "the artifact is larger than it takes",
    },
    by_status={
        "301": _OTHER_REGION,
        "401": _DENIED,
        "403": _DENIED,
        "429": BUSY,
        "503": BUSY,
        "507": "it is full: free some space",
    },
)
