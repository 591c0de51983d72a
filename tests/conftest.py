pytest_plugins = [
    "tests.plugins.plain_logs",
    "tests.plugins.garbage",
    "tests.plugins.no_skips",
    "tests.plugins.postgres",
    "tests.plugins.aimock",
    "tests.plugins.redis",
]
