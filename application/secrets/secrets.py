"""Secrets: values by name and key, stored outside the log, which holds only references."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.listing.filtering import selected
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.secrets.redaction import remember
from stackfold.domain.errors import (
    Invalid,
    MissingSecret,
    NameTaken,
    NotFound,
    NothingToChange,
    SecretStoreUnavailable,
)
from stackfold.domain.limits import SECRET, must_fit
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import parts, references


class SecretStore(ABC):
    """Stores secrets. Instances can be pickled; the pickle contains no values."""

    name: str
    writable: bool = True

    def problem(self) -> str:
        """Return why the store cannot be written here; empty if it can."""
        return ""

    @abstractmethod
    def keys(self) -> Mapping[str, Sequence[str]]:
        """Return name → keys of every secret; needs no password."""

    @abstractmethod
    def read(self, name: str) -> Mapping[str, str]:
        """Return key → value of one secret; empty if it does not exist.

        Raises:
            SecretStoreUnavailable: It cannot be read.
        """

    def value(self, name: str, key: str) -> str | None:
        """Return one value; raises as `read`."""
        return self.read(name).get(key)

    def write(self, name: str, values: Mapping[str, str]) -> None:
        """Create or replace a secret.

        Raises:
            SecretStoreUnavailable: It cannot be written.
        """
        raise SecretStoreUnavailable(self.name, "it can only be read")

    def delete(self, name: str) -> None:
        """Delete a secret; raises as `write`."""
        raise SecretStoreUnavailable(self.name, "it can only be read")


class StoredSecrets:
    """Resolves references to values, from the first store that has the secret."""

    def __init__(self, stores: Sequence[SecretStore]) -> None:
        """Search `stores` in this order."""
        self.stores = tuple(stores)

    def value(self, reference: str) -> str:
        """Return the value of a reference such as `{{name.key}}`.

        From then on the value is redacted from everything that this process records and shows.

        Raises:
            MissingSecret: No store has it.
            SecretStoreUnavailable: The store that has it cannot be read.
        """
        name, key = parts(reference)
        for store in self.stores:
            value = store.value(name, key)
            if value is not None:
                remember(value, f"{{{{{name}.{key}}}}}")
                return value
        raise MissingSecret({reference: ""})

    def knows(self, name: str) -> bool:
        """Return whether a writable store has a secret of that name."""
        return any(name in store.keys() for store in self.stores if store.writable)  # noqa: SIM118


class Configured(Protocol):
    """A component that may refer to secrets."""

    @property
    def type(self) -> str:
        """The name of its type."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Attribute → value."""
        ...


class ComponentQueries(Protocol):
    """Looks up which components refer to a secret."""

    def every_component(self) -> Sequence[Configured]:
        """List the components of all types, by type and name."""
        ...


class SecretView(NamedTuple):
    """A secret, without its values."""

    name: str
    store: str
    """The name of the store that has it."""
    keys: list[str]
    components: list[str]
    """The existing components that refer to it, as "type name"."""


@checked
class Secrets:
    """Commands and queries for secrets. The log records none of them."""

    def __init__(
        self, stored: StoredSecrets, queries: ComponentQueries, preferred: str = ""
    ) -> None:
        """Create the service.

        Args:
            stored: The stores, in the order in which they are searched.
            queries: Reads the components, for their references to secrets.
            preferred: The default store of new secrets; empty for the best that can be used.
        """
        self._stored = stored
        self._queries = queries
        self._preferred = preferred

    def list(self, listing: Listing = ALL) -> Sequence[SecretView]:
        """List the secrets of every store.

        Args:
            listing: Filters, order and page.

        Raises:
            InvalidListing: A column that secrets do not have.
        """
        users = _users(self._queries)
        views = [
            SecretView(name, store.name, [*keys], users.get(name, []))
            for store in self._stored.stores
            for name, keys in store.keys().items()
        ]
        return selected(views, listing)

    def get(self, name: str) -> SecretView:
        """Return one secret, without its values.

        Args:
            name: The name of the secret.

        Raises:
            NotFound: No secret has that name.
        """
        return self._view(name, self._store_of(name))

    def values(self, name: str) -> Mapping[str, str]:
        """Return key → value of one secret.

        Args:
            name: The name of the secret.

        Raises:
            NotFound: No secret has that name.
            SecretStoreUnavailable: Its store cannot be read.
        """
        found = dict(self._store_of(name).read(name))
        for key, value in found.items():
            remember(value, f"{{{{{name}.{key}}}}}")
        return found

    @outside_changes
    def create(self, name: str, values: Mapping[str, str], store: str | None = None) -> SecretView:
        """Create a secret.

        Args:
            name: 1 to 64 letters, digits, `_` or `-`, beginning with a letter or digit.
            values: Key → value, at least one.
            store: The name of a store; by default the one for new secrets.

        Raises:
            Invalid: The name, a key or a value is invalid.
            NameTaken: A secret in a writable store has that name.
            SecretStoreUnavailable: The store cannot be used here.
        """
        _require_valid(name, values)
        if not values:
            raise Invalid(f"secret {name!r} needs a value: give --KEY=VALUE, or --KEY=-")
        for each in self._stored.stores:
            if each.writable and name in each.keys():  # noqa: SIM118  # not a dict
                raise NameTaken("secret", name)
        chosen = self.store(store)
        chosen.write(name, values)
        return self._view(name, chosen)

    @outside_changes
    def update(
        self, name: str, values: Mapping[str, str], remove: Iterable[str] = ()
    ) -> SecretView:
        """Set and remove values of a secret; other values stay.

        Args:
            name: The name of the secret.
            values: Key → new value.
            remove: The keys to remove.

        Raises:
            Invalid: A key or a value is invalid, or no value would remain.
            NotFound: The secret or a key to remove does not exist.
            NothingToChange: The secret has these values already.
            SecretStoreUnavailable: The store cannot be used here.
        """
        _require_valid(name, values)
        store = self._store_of(name, writable=True)
        before = dict(store.read(name))
        removed = set(remove)
        for key in removed - set(before):
            raise NotFound("key", key, f"secret {name!r} has {', '.join(sorted(before))}")
        after = {key: text for key, text in {**before, **values}.items() if key not in removed}
        if not after:
            raise Invalid(f"secret {name!r} would have no value left: delete it instead")
        if after == before:
            raise NothingToChange("secret", name)
        store.write(name, after)
        return self._view(name, store)

    @outside_changes
    def delete(self, name: str) -> SecretView:
        """Delete a secret, and return it as it was.

        Args:
            name: The name of the secret.

        Raises:
            NotFound: No secret in a writable store has that name.
            SecretStoreUnavailable: The store cannot be used here.
        """
        store = self._store_of(name, writable=True)
        view = self._view(name, store)
        store.delete(name)
        return view

    def store(self, name: str | None = None) -> SecretStore:
        """Return the store of that name, or the one for new secrets.

        Args:
            name: The name of the store.

        Raises:
            NotFound: No store has that name.
            SecretStoreUnavailable: It cannot be written here.
        """
        stores = {each.name: each for each in self._stored.stores if each.writable}
        name = name or self._preferred
        if not name:
            # The most secure one first; the file can always be used.
            best = [each for each in reversed(stores.values()) if not each.problem()]
            return best[0]
        if name not in stores:
            raise NotFound("secret store", name, f"choose one of {', '.join(stores)}")
        problem = stores[name].problem()
        if problem:
            raise SecretStoreUnavailable(name, problem)
        return stores[name]

    def _store_of(self, name: str, writable: bool = False) -> SecretStore:
        for store in self._stored.stores:
            if name in store.keys() and (store.writable or not writable):  # noqa: SIM118
                return store
        read_only = next((s for s in self._stored.stores if not s.writable and s.read(name)), None)
        if read_only and not writable:
            return read_only
        hint = f"it is in the {read_only.name} and is changed there" if read_only else ""
        raise NotFound("secret", name, hint)

    def _view(self, name: str, store: SecretStore) -> SecretView:
        keys = store.keys().get(name) or [*store.read(name)]
        return SecretView(name, store.name, [*keys], _users(self._queries).get(name, []))


def _users(queries: ComponentQueries) -> dict[str, list[str]]:
    """Secret → the existing components that refer to it."""
    users: dict[str, list[str]] = {}
    for component in queries.every_component():
        for name in sorted({parts(each)[0] for each in references(component.configuration)}):
            noun = ComponentType(component.type).noun
            users.setdefault(name, []).append(f"{noun} {component.name}")
    return users


def _require_valid(name: str, values: Mapping[str, str]) -> None:
    for what, text in (("name", name), *(("key", key) for key in values)):
        if "." in text or not text.isascii():
            raise Invalid(
                f"{text!r} cannot be the {what} of a secret: a reference {{{{name.key}}}} takes "
                "ASCII letters, digits, '_' and '-'"
            )
        valid_name("secret", text)
    for key, value in values.items():
        if not value:
            raise Invalid(f"the value of {key!r} is empty")
        if "\0" in value or value != value.encode(errors="replace").decode():
            raise Invalid(f"the value of {key!r} is not text")
        must_fit(f"the value of {key!r}", value, SECRET)
