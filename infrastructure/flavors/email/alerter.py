"""The alerter `email`."""

import hashlib
import logging
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import Alert, Alerter, Secret
from stackfold.domain.errors import AlertRejected
from stackfold.infrastructure.flavors.email import smtp
from stackfold.infrastructure.flavors.email.messages import address, email_message
from stackfold.infrastructure.system.loopback import is_loopback

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class EmailAlerter(Alerter):
    """Sends alerts by e-mail, through an SMTP server."""

    flavor = "email"

    class Configuration(ports.Configuration):
        """The server, the addresses, and what authenticates the sender."""

        host: str = Field(
            min_length=1,
            max_length=255,
            pattern=r"^[A-Za-z0-9._:-]+$",
            description="The SMTP server: smtp.example.com.",
        )
        port: int | None = Field(
            None, ge=1, le=65535, description="Its port; by default 587, 465 or 25, by security."
        )
        security: Literal["starttls", "tls", "none"] = Field(
            "starttls",
            description="How the connection is encrypted; none is allowed on this machine only.",
        )
        username: Secret | None = Field(None, description="The user name, as a reference.")
        password: Secret | None = Field(None, description="The password, as a reference.")
        sender: str = Field(description="The address that alerts come from.")
        to: list[str] = Field(min_length=1, max_length=50, description="The recipients.")
        subject_prefix: str = Field(
            "[stackfold]",
            max_length=60,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="Begins every subject.",
        )
        timeout: float = Field(10, gt=0, le=300, description="Seconds that an alert may take.")
        strict: bool = Field(
            False,
            description="Whether a step fails if an alert cannot be sent. Otherwise there is one "
            "line in its log.",
        )

        @field_validator("sender")
        @classmethod
        def _is_an_address(cls, sender: str) -> str:
            return address(sender)

        @field_validator("to")
        @classmethod
        def _are_addresses(cls, to: list[str]) -> list[str]:
            return [address(each) for each in to]

        @model_validator(mode="after")
        def _fit_together(self) -> Self:
            if self.security == "none" and not is_loopback(self.host):
                raise ValueError("security none is allowed on this machine only: starttls or tls")
            if (self.username is None) != (self.password is None):
                raise ValueError("username and password belong together")
            return self

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether `post` raises if an alert cannot be sent."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        return not is_loopback(self.configuration.host)

    def send(self, alert: Alert) -> None:
        chosen = self.configuration
        thread = alert.thread and hashlib.sha256(alert.thread.encode()).hexdigest()[:32]
        message = email_message(alert, chosen.sender, chosen.to, chosen.subject_prefix, thread)
        refused = smtp.send(self._server(), message, chosen.sender, chosen.to)
        if refused:
            count = f"{len(refused)} of {len(chosen.to)} recipients"
            line = f"the alerter at {self._server().location} refused {count}"
            logging.getLogger("stackfold.alerters").warning("%s", line)

    def check_connection(self) -> None:
        """Log in, and send nothing."""
        smtp.check(self._server())

    # -- private

    def _server(self) -> smtp.Server:
        chosen = self.configuration
        return smtp.Server(
            chosen.host,
            chosen.port or _PORTS[chosen.security],
            chosen.security,
            self._credentials(),
            chosen.timeout,
        )

    def _credentials(self) -> tuple[str, str] | None:
        chosen = self.configuration
        if chosen.username is None or chosen.password is None:
            return None
        user, password = self.secret(chosen.username), self.secret(chosen.password)
        for reference, value in ((chosen.username, user), (chosen.password, password)):
            if not value.isprintable() or not value.isascii():
                raise AlertRejected(f"the secret {reference}", "it has characters that SMTP lacks")
        return user, password
