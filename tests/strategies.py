"""Random sound settings, for property tests and for stepping the real frameworks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

MOMENTA = st.floats(0.0, 0.999)


@st.composite
def sound_settings(draw: st.DrawFn, most_steps: int = 400) -> dict[str, Any]:
    """Draw settings that PyTorch takes: p*T is not 1, and with three phases none is empty."""
    total = draw(st.integers(1, most_steps))
    settings: dict[str, Any] = {
        "max_lr": draw(st.floats(1e-6, 10.0)),
        "total_steps": total,
        "anneal_strategy": draw(st.sampled_from(["cos", "linear"])),
        "div_factor": draw(st.floats(1.0, 1e3)),
        "final_div_factor": draw(st.floats(1.0, 1e6)),
        "base_momentum": draw(MOMENTA),
        "max_momentum": draw(MOMENTA),
        "cycle_momentum": draw(st.booleans()),
    }
    if total >= 4 and draw(st.booleans()):
        settings["three_phase"] = True
        settings["pct_start"] = draw(st.floats(2.0 / total, 0.5))
    else:
        settings["pct_start"] = draw(st.floats(0.0, 1.0).filter(lambda pct: pct * total != 1))
    if not settings["cycle_momentum"]:
        del settings["base_momentum"], settings["max_momentum"]
    return settings
