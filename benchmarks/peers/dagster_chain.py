"""A chain of trivial ops in Dagster, in one process, recorded in its local instance."""

import sys

from dagster import DagsterInstance, fs_io_manager, job, op


@op
def first() -> int:
    return 0


@op
def add(value: int) -> int:
    return value + 1


if __name__ == "__main__":
    length = int(sys.argv[1])

    @job(resource_defs={"io_manager": fs_io_manager.configured({"base_dir": "."})})
    def chain():
        value = first()
        for number in range(1, length):
            value = add.alias(f"add_{number}")(value)

    with DagsterInstance.get() as instance:
        assert chain.execute_in_process(instance=instance).success
