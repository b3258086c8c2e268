"""Prompts by a model's own chat template. Knows Jinja as transformers runs it, and Mistral's formats by heart."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nexxi_cli.core.errors import UnsupportedModel
from nexxi_cli.core.types import Message

# Mistral's formats, for files that carry no template of their own. Source: mistral-common, the instruct tokenizers
# V1, V2/V3 and V7, all of SentencePiece. Before V7 the system message stands in a user message: in the first
# (V1, as any template that forgets it) or in the last (V2, V3). GAP is the blank that SentencePiece puts before each
# text; GAP is empty where the tokenizer puts it there by itself.
MISTRAL_V1 = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}"
    "GAP[INST] {{ message.content }} [/INST]"
    "{% elif message.role == 'assistant' %} {{ message.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
MISTRAL_V3 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% endif %}"
    "{% for message in messages %}{% if message.role == 'user' %}"
    "[INST]GAP{% if loop.last and system is defined %}{{ system + '\n\n' }}{% endif %}{{ message.content }}[/INST]"
    "{% elif message.role == 'assistant' %}GAP{{ message.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
MISTRAL_V7 = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'system' %}[SYSTEM_PROMPT]GAP{{ message.content }}[/SYSTEM_PROMPT]"
    "{% elif message.role == 'user' %}[INST]GAP{{ message.content }}[/INST]"
    "{% else %}GAP{{ message.content }}{{ eos_token }}{% endif %}{% endfor %}"
)


class ChatTemplate:
    """One template with the special tokens of its model."""

    def __init__(self, source: str, *, bos_token: str, eos_token: str) -> None:
        self._source = source
        self._tokens = {"bos_token": bos_token, "eos_token": eos_token}

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt that `messages` make, up to where the reply begins.

        A template that refuses or forgets a system message gets it in front of the first user message instead.
        Raises UnsupportedModel for a template that cannot be run.
        """
        try:
            prompt = self._render(messages)
        except TemplateError as error:
            merged = _with_system_merged(messages)
            if merged == messages:
                raise UnsupportedModel(f"the model's chat template fails: {error}") from error
            try:
                return self._render(merged)
            except TemplateError as again:
                raise UnsupportedModel(f"the model's chat template fails: {again}") from again
        if messages[0].role == "system" and prompt == self._render(messages[1:]):
            return self._render(_with_system_merged(messages))
        return prompt

    def _render(self, messages: Sequence[Message]) -> str:
        plain = [{"role": message.role, "content": message.content} for message in messages]
        prompt: str = self._template.render(messages=plain, add_generation_prompt=True, **self._tokens)
        return prompt

    @cached_property
    def _template(self) -> Template:
        # the environment that transformers gives its templates (utils/chat_template_utils.py)
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        return environment.from_string(self._source)


def _with_system_merged(messages: Sequence[Message]) -> Sequence[Message]:
    if len(messages) < 2 or messages[0].role != "system":
        return messages
    system, first, *rest = messages
    return [Message("user", f"{system.content}\n\n{first.content}"), *rest]


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now(UTC).astimezone().strftime(form)


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
