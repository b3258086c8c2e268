"""Texts that are dense with examples, with halves of them, and with what may stand between."""

from hypothesis import strategies as st

from tests.infrastructure.recognizers.examples import ALL, IN_CONTEXT

_BETWEEN = ["in 2024, ", " ", ". ", "-", "(", "+", "@", "::", "1", "12", "ext", "GB82", "é", "你好", "_", "\n"]

PIECES = st.one_of(
    st.sampled_from([example for _, example in ALL]),
    st.sampled_from([example[: len(example) // 2] for _, example in ALL]),
    st.sampled_from([example[len(example) // 2 :] for _, example in ALL]),
    st.sampled_from([before + data + after for _, before, data, after in IN_CONTEXT]),
    st.sampled_from([data + after for _, _, data, after in IN_CONTEXT]),
    st.sampled_from([before for _, before, _, _ in IN_CONTEXT]),
    st.sampled_from(_BETWEEN),
    st.text(max_size=4),
)
TEXTS = st.lists(PIECES, max_size=7).map("".join)
