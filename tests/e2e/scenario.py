"""Marks what run.py runs: a scenario is named as its function, with dashes."""

import functools


def scenario(function):
    """Of a function that takes the scenario's name."""
    function.scenario = function.__name__.replace("_", "-")
    return function


def node_test(function):
    """Of a function that takes nothing: it looks at what the demo left on the real node."""
    @scenario
    @functools.wraps(function)
    def named(_name):
        function()
    return named


def scenarios_of(module):
    """Those of the module itself, in their order: name → function of that name."""
    return {f.scenario: f for f in vars(module).values()
            if hasattr(f, "scenario") and f.__module__ == module.__name__}
