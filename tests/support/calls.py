"""A handler of reactions that notes its calls, and shortcuts to run it."""

from stackfold.eventsourcing import Retries, Stack, on

AT_ONCE = Retries(attempts=3, first=0.0, longest=0.0)


class Calls:
    """A handler that notes its calls, and fails on events of some names."""

    def __init__(self, fails=(), times=1000):
        self.events, self.deliveries = [], []
        self.fails, self.times = fails, times

    def __call__(self, event, delivery):
        self.events.append(event)
        self.deliveries.append(delivery)
        if event.name in self.fails and delivery.attempt <= self.times:
            raise ValueError(f"no {event.name}")

    @property
    def names(self):
        return [event.name for event in self.events]


def declared(handler, **more):
    return on(Stack.Registered, handler, **{"name": "notify", "retries": AT_ONCE, **more})


def run(ws, *reactions, **more):
    return ws.reactions.run([*reactions], **{"timeout": 0, **more})
