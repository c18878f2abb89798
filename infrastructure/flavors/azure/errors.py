"""One-line messages for the errors of Azure Blob Storage."""

from stackfold.infrastructure.flavors.buckets.errors import BUSY, Messages

_NO_CONTAINER = "there is no such container: create it, or correct the path"
_WRONG_KEY = (
    "access is denied: correct the secret behind account_key, sas_token or connection_string"
)
_NO_PERMISSION = (
    "access is denied: give the identity the role 'Storage Blob Data Contributor' for this "
    "container, or the signature more permissions"
)
_NO_CREDENTIALS = (
    "there are no credentials: give account_key, sas_token or client_secret, or set them up for "
    "Azure"
)
_NO_SIGN_IN = "the service principal cannot sign in: correct tenant_id, client_id or client_secret"
_NETWORK = "its firewall rejects this machine: allow its address"

MESSAGES = Messages(
    host="account_name or endpoint_url",
    by_text={
        "The specified container does not exist": _NO_CONTAINER,  # in the answer to a batch
        "Invalid Access Key": "the key is not base64: correct the secret behind account_key or "
        "connection_string",
        "oauth2/v2.0/token": _NO_SIGN_IN,
        "169.254.169.254": _NO_CREDENTIALS,
        "Error performing token request": _NO_CREDENTIALS,
        "but required configuration is missing": _NO_CREDENTIALS,
    },
    by_code={
        "ContainerNotFound": _NO_CONTAINER,
        "ContainerBeingDeleted": "the container is being deleted",
        "ResourceNotFound": "there is no such account on this server: correct account_name or "
        "endpoint_url",
        "AccountIsDisabled": "the account is disabled",
        "AuthenticationFailed": _WRONG_KEY,
        "AuthorizationFailure": f"{_WRONG_KEY}, or let this machine's address through its firewall",
        "InvalidAuthenticationInfo": _WRONG_KEY,
        "NoAuthenticationInformation": _NO_CREDENTIALS,
        "AuthorizationPermissionMismatch": _NO_PERMISSION,
        "AuthorizationResourceTypeMismatch": _NO_PERMISSION,
        "AuthorizationServiceMismatch": _NO_PERMISSION,
        "InsufficientAccountPermissions": _NO_PERMISSION,
        "AuthorizationSourceIPMismatch": _NETWORK,
        "AuthorizationProtocolMismatch": "the signature is valid for https only: correct "
        "endpoint_url",
        "KeyBasedAuthenticationNotPermitted": "the account permits no keys: give client_secret or "
        "managed_identity",
        "RequestBodyTooLarge": "the artifact is larger than it takes",
        "ServerBusy": BUSY,
    },
    by_status={
        "401": _WRONG_KEY,
        "403": _WRONG_KEY,
        "429": BUSY,
        "503": BUSY,
    },
)
