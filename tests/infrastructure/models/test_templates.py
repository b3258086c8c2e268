"""Prompts in a model's own format."""

import pytest

from nexxi_cli.core.errors import UnsupportedModel
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.models.templates import ChatTemplate
from tests.infrastructure.models.tiny import TEMPLATE

HELLO = [Message("system", "Be brief."), Message("user", "Hello")]


def rendered(template: str, messages: list[Message] = HELLO) -> str:
    return ChatTemplate(template, bos_token="<s>", eos_token="</s>").render(messages)


def test_a_prompt_ends_where_the_reply_begins() -> None:
    assert rendered(TEMPLATE) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_knows_its_special_tokens_and_transformers_functions() -> None:
    template = "{{ bos_token }}{{ messages | tojson }}{{ strftime_now('%Y') | length }}{{ eos_token }}"
    assert rendered(template, [Message("user", "é")]) == '<s>[{"role": "user", "content": "é"}]4</s>'


def test_a_template_that_refuses_a_system_message_gets_it_before_the_first_user_message() -> None:
    template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "[{{ m.content }}]{% endfor %}"
    )
    assert rendered(template) == "[Be brief.\n\nHello]"


def test_a_template_that_forgets_a_system_message_gets_it_before_the_first_user_message() -> None:
    template = "{% for m in messages if m.role != 'system' %}[{{ m.content }}]{% endfor %}"
    assert rendered(template) == "[Be brief.\n\nHello]"


@pytest.mark.parametrize("template", ["{% for %}", "{{ raise_exception('never') }}", "{{ messages.none.none }}"])
def test_a_template_that_cannot_be_run_says_so(template: str) -> None:
    with pytest.raises(UnsupportedModel, match="chat template fails"):
        rendered(template)


def test_a_template_cannot_reach_into_the_program() -> None:
    with pytest.raises(UnsupportedModel, match="unsafe"):
        rendered("{{ messages.__class__.__mro__ }}")
