"""What the data validator `evidently` is configured by."""

from typing import Literal

from pydantic import Field

from stackfold.application import ports

NumericalMethod = Literal["hellinger", "jensenshannon", "kl_div", "ks", "psi", "wasserstein"]
CategoricalMethod = Literal["chisquare", "hellinger", "jensenshannon", "kl_div", "psi", "TVD"]


class EvidentlyConfiguration(ports.Configuration):
    """Methods and thresholds of drift, and how much of a table is read."""

    max_rows: int | None = Field(
        100_000,
        ge=1,
        description="The most rows of each table to use: of a larger table, as many rows drawn at "
        "random, always the same ones; none for all rows.",
    )
    max_categories: int = Field(
        1000,
        ge=2,
        description="A column of texts with more distinct values, such as names or ids, is not "
        "compared.",
    )
    drift_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="The share of drifted columns from which on a comparison fails; 0 to fail at "
        "the first one.",
    )
    missing_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="How much the share of missing values of a column may increase until a "
        "comparison fails.",
    )
    quality_drop: float = Field(
        0.1,
        ge=0,
        description="How much worse a model may become, as a share of its accuracy or mean "
        "absolute error on the reference, until a comparison fails.",
    )
    numerical_method: NumericalMethod | None = Field(
        None,
        description="How columns of numbers are compared; by default ks up to 1,000 rows of the "
        "reference, and wasserstein beyond.",
    )
    numerical_threshold: float | None = Field(
        None, ge=0, description="Its threshold; by default Evidently's own for the method."
    )
    categorical_method: CategoricalMethod | None = Field(
        None,
        description="How all other columns are compared; by default chisquare, or a z-test for "
        "two values, up to 1,000 rows of the reference, and jensenshannon beyond.",
    )
    categorical_threshold: float | None = Field(
        None, ge=0, description="Its threshold; by default Evidently's own for the method."
    )
    full_report: bool = Field(
        True,
        description="Whether reports contain Evidently's own page, which has about 4 MB and needs "
        "scripts.",
    )
