"""What the programs in Python share: they read JSON from their standard input, and print JSON."""

import json
import sys

given = json.load(sys.stdin)


def verdicts(verify):
    """Returns for each webhook the type of its event, or why it is refused."""

    def verdict(body, headers, secret):
        try:
            verify(body, headers, secret)
        except Exception as error:
            return f"refused: {type(error).__name__} {error}"
        return json.loads(body)["type"]

    return {name: verdict(**webhook) for name, webhook in given["webhooks"].items()}


def show(seen):
    """Prints what a program saw."""
    json.dump(seen, sys.stdout)
