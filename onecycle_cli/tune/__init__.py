"""`onecycle tune`: a plan redrawn as its settings change. `session` is its state, `app` the screen."""
