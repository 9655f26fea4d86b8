#!/usr/bin/env python3
"""Runs scenarios against the cluster of $KUBECONFIG: those of node.py and node_rules.py with the controller that the demo
installed there, all others with the controller $CONTROLLER.

    run.py --list faults     the names of those of faults.py (or another)
    run.py crash-rolls-back  one of them (or several)"""

import importlib
import sys
import time
import traceback

from scenario import scenarios_of

NAMES = [
    "scenarios",
    "rights",
    "hands",
    "readers",
    "holds",
    "order",
    "workloads",
    "schema",
    "shopflow",
    "shopflow_up",
    "faults",
    "torture",
    "node",
    "node_rules",
]
MODULES = {name: scenarios_of(importlib.import_module(name)) for name in NAMES}
ALL = {name: function for module in MODULES.values() for name, function in module.items()}


def main(names):
    if names[:1] == ["--list"]:
        print("\n".join(MODULES[names[1]]))
        return 0
    if not names:
        print(__doc__, file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        if name not in ALL:
            print(f"no such scenario: {name}; see --list", file=sys.stderr)
            return 2
        start = time.monotonic()
        try:
            ALL[name](name)
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:  # a scenario that breaks must not hide the others
            failed += 1
            traceback.print_exc()
            print(f"FAILED  {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
