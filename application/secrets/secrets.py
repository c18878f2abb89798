"""Secrets: values kept outside the log, by name and key; the log knows references to them only."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stackfold.application.listing.filtering import selected
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.secrets.redaction import remember
from stackfold.application.stacks.queries import Queries
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
    """A place where secrets are kept. An instance can be pickled, and then holds no value."""

    name: str
    writable: bool = True

    def problem(self) -> str:
        """Why nothing can be written to it here; empty if it can."""
        return ""

    @abstractmethod
    def keys(self) -> Mapping[str, Sequence[str]]:
        """Name → keys, of every secret in it; needs no password and shows no value."""

    @abstractmethod
    def read(self, name: str) -> Mapping[str, str]:
        """Key → value of one secret; nothing if it is not there.

        Raises:
            SecretStoreUnavailable: It cannot be read.
        """

    def value(self, name: str, key: str) -> str | None:
        """One value; raises as `read`."""
        return self.read(name).get(key)

    def write(self, name: str, values: Mapping[str, str]) -> None:
        """Keep a secret, in the place of what it was.

        Raises:
            SecretStoreUnavailable: It cannot be written.
        """
        raise SecretStoreUnavailable(self.name, "it can only be read")

    def delete(self, name: str) -> None:
        """Forget a secret; raises as `write`."""
        raise SecretStoreUnavailable(self.name, "it can only be read")


class StoredSecrets:
    """The way from references to values: the first store that has one."""

    def __init__(self, stores: Sequence[SecretStore]) -> None:
        """Look into `stores`, in this order."""
        self.stores = tuple(stores)

    def value(self, reference: str) -> str:
        """The value that a reference such as `{{name.key}}` stands for.

        From then on it is redacted from what this process records and shows.

        Raises:
            MissingSecret: There is none.
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
        """Whether a store that can be written holds a secret of that name."""
        return any(name in store.keys() for store in self.stores if store.writable)  # noqa: SIM118


class SecretView(NamedTuple):
    """A secret, without its values."""

    name: str
    store: str
    """Which of the stores has it."""
    keys: list[str]
    components: list[str]
    """The living components that refer to it, as "type name"."""


class Secrets:
    """What can be done with secrets, and asked of them. None of it is recorded in the log."""

    def __init__(self, stored: StoredSecrets, queries: Queries, preferred: str = "") -> None:
        """Keep secrets in the stores of `stored`.

        Args:
            stored: The stores, and the order in which they are looked into.
            queries: Tells which components refer to a secret.
            preferred: The store to use where none is named; empty for the first that can be used.
        """
        self._stored = stored
        self._queries = queries
        self._preferred = preferred

    def list(self, listing: Listing = ALL) -> Sequence[SecretView]:
        """The secrets of every store.

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
        """One secret, without its values.

        Raises:
            NotFound: There is none of that name.
        """
        return self._view(name, self._store_of(name))

    def values(self, name: str) -> Mapping[str, str]:
        """Key → value of one secret.

        Raises:
            NotFound: There is none of that name.
            SecretStoreUnavailable: It cannot be read.
        """
        found = dict(self._store_of(name).read(name))
        for key, value in found.items():
            remember(value, f"{{{{{name}.{key}}}}}")
        return found

    def create(self, name: str, values: Mapping[str, str], store: str | None = None) -> SecretView:
        """Keep a secret.

        Args:
            name: 1 to 64 letters, digits, `_` or `-`, a letter or digit first.
            values: Key → value, at least one.
            store: Where; by default where new secrets go here.

        Raises:
            Invalid: The name, a key or a value cannot be.
            NameTaken: There is one of that name in a store that can be written.
            SecretStoreUnavailable: The store cannot be used here.
        """
        _must_be_valid(name, values)
        if not values:
            raise Invalid(f"secret {name!r} needs a value: give --KEY=VALUE, or --KEY=-")
        for each in self._stored.stores:
            if each.writable and name in each.keys():  # noqa: SIM118  # not a dict
                raise NameTaken("secret", name)
        chosen = self.store(store)
        chosen.write(name, values)
        return self._view(name, chosen)

    def update(
        self, name: str, values: Mapping[str, str], remove: Iterable[str] = ()
    ) -> SecretView:
        """Set some values of a secret, and remove others; the rest stays.

        Raises:
            Invalid: A key or a value cannot be, or none would be left.
            NotFound: There is no such secret, or no such key to remove.
            NothingToChange: It is like that already.
            SecretStoreUnavailable: The store cannot be used here.
        """
        _must_be_valid(name, values)
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

    def delete(self, name: str) -> SecretView:
        """Forget a secret, and return it as it was.

        Raises:
            NotFound: There is none of that name that could be deleted.
            SecretStoreUnavailable: The store cannot be used here.
        """
        store = self._store_of(name, writable=True)
        view = self._view(name, store)
        store.delete(name)
        return view

    def store(self, name: str | None = None) -> SecretStore:
        """The store of that name, or the one that new secrets go to.

        Raises:
            NotFound: There is none of that name.
            SecretStoreUnavailable: It cannot be written here.
        """
        stores = {each.name: each for each in self._stored.stores if each.writable}
        name = name or self._preferred
        if not name:
            # In the order of how well they keep; the last one can always be used.
            best = [each for each in reversed(stores.values()) if not each.problem()]
            return best[0]
        if name not in stores:
            raise NotFound("secret store", name, f"choose one of {', '.join(stores)}")
        problem = stores[name].problem()
        if problem:
            raise SecretStoreUnavailable(name, problem)
        return stores[name]

    # -- how it is done

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


def _users(queries: Queries) -> dict[str, list[str]]:
    """Secret → the living components that refer to it."""
    users: dict[str, list[str]] = {}
    for type in ComponentType:
        for component in queries.components(type):
            for name in sorted({parts(each)[0] for each in references(component.configuration)}):
                users.setdefault(name, []).append(f"{type.noun} {component.name}")
    return users


def _must_be_valid(name: str, values: Mapping[str, str]) -> None:
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
