"""A data validator that needs no library: expectations are the largest value of each column."""

from stackfold.flavors import Check, Configuration, DataValidator, ValidationReport


class LimitsConfiguration(Configuration):
    tolerance: int = 0


class Limits(DataValidator[LimitsConfiguration]):
    flavor = "limits"

    def profile(self, data):
        suggested = ",".join(f"{name}={max(values)}" for name, values in data.items()) + "\n"
        return ValidationReport.of(
            "profile",
            metrics={"rows": len(next(iter(data.values()))), "columns": len(data)},
            columns={name: {"max": max(values)} for name, values in data.items()},
            tool="limits",
            version="1",
            expectations=suggested,
        )

    def check(self, data, expectations):
        return ValidationReport.of(
            "check",
            [self._checked(name, data[name], most) for name, most in expectations.items()],
            metrics={"rows": 3},
            tool="limits",
            version="1",
        )

    def compare(self, data, reference, *, target="", prediction="", columns=()):
        names = columns or [*reference]
        checks = [self._checked(name, data[name], max(reference[name])) for name in names]
        share = sum(not each.passed for each in checks) / len(checks)
        metrics = {"drift_share": share}
        return ValidationReport.of("compare", checks, metrics=metrics, tool="limits", version="1")

    def read_expectations(self, text):
        pairs = (part.split("=") for part in text.strip().split(","))
        return {name: int(most) for name, most in pairs}

    def _checked(self, name, values, most):
        over = [each for each in values if each > most + self.configuration.tolerance]
        problem = f"{len(over)} of {len(values)} rows" if over else ""
        shown = tuple(map(str, over))
        return Check("limit", name, not over, len(over), 0, problem, shown)


class ProfilesOnly(DataValidator[LimitsConfiguration]):
    flavor = "profiles-only"

    def profile(self, data):
        return ValidationReport.of("profile", tool="profiles", version="2")
