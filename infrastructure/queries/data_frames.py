"""Tables of pandas."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from stackfold.domain.errors import Unavailable

if TYPE_CHECKING:
    import pandas


def data_frame(columns: Mapping[str, list[Any]], times: Collection[str] = ()) -> "pandas.DataFrame":
    """A table of columns.

    Args:
        columns: Column → its values.
        times: The columns of times, RFC 3339.

    Raises:
        Unavailable: pandas is not installed.
    """
    try:
        from pandas import DataFrame, to_datetime
    except ImportError:
        raise Unavailable(
            "to_pandas",
            "pandas is not installed",
            message="to_pandas needs pandas: pip install pandas",
        ) from None
    frame = DataFrame(columns)
    for column in times:
        frame[column] = to_datetime(frame[column], format="ISO8601", utc=True)
    return frame
