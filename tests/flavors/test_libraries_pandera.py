"""The data validator `pandera`: the contract, and what only pandera has."""

import pytest

from stackfold.testing.contracts.data_validator import DataValidatorContract

pandera = pytest.importorskip(
    "pandera.pandas", reason="pandera is installed by `make test-flavors` only"
)

TEXT = """
columns:
  age:
    dtype: int64
    greater_than_or_equal_to: 0
    less_than_or_equal_to: 120
  country:
    dtype: object
    nullable: true
    isin: [de, fr]
"""


def schema():
    return pandera.DataFrameSchema(
        {
            "age": pandera.Column(int, pandera.Check.in_range(0, 120)),
            "country": pandera.Column(None, pandera.Check.isin(["de", "fr"])),
        }
    )


class TestPandera(DataValidatorContract):
    @pytest.fixture
    def flavor(self):
        return "pandera"

    @pytest.fixture
    def expectations(self):
        return schema()

    @pytest.fixture
    def expectations_text(self):
        return TEXT.replace("    dtype: object\n", "")
