"""Write what customers did, a row for each and week, to activity.parquet."""

import numpy as np
import pandas as pd


def activity() -> pd.DataFrame:
    """Visits and spending of 120 customers from January to July; from June on, they spend more."""
    chance = np.random.default_rng(7)
    days = pd.date_range("2025-12-25", "2026-07-01", tz="UTC", freq="7D")
    customers = np.arange(1, 121)
    frame = pd.DataFrame(
        {
            "customer_id": np.tile(customers, len(days)),
            "event_timestamp": np.repeat(days, len(customers)),
        }
    )
    usual = 2 + (frame["customer_id"] - 1) % 12
    frame["visits"] = np.clip(chance.normal(usual, 1), 0, 60).round()
    more = np.where(frame["event_timestamp"] >= pd.Timestamp("2026-05-20", tz="UTC"), 2.5, 1.0)
    frame["spent"] = (frame["visits"] * chance.uniform(5, 15, len(frame)) * more).round(2)
    frame["created"] = frame["event_timestamp"]
    return frame


if __name__ == "__main__":
    activity().to_parquet("activity.parquet", index=False)
