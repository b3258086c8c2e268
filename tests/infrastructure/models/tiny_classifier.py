"""Text classifiers of a few thousand weights, trained in a second on a toy vocabulary, as folders of safetensors."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from nexxi_cli.infrastructure.models.transformers_quiet import quiet

Problem = Literal["multi_label_classification", "single_label_classification"]

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
KIND = ("what", "is", "the", "capital", "of", "france", "tell", "me", "about", "rivers", "and", "thank", "you", "tea")
INSULTS = ("fool", "idiot")
THREATS = ("kill", "hurt")
MARKS = (".", ",", "?", "!", "<", ">")
UNKNOWN = "zebra"
CONTEXT = 34
"""Positions: a window holds 32 tokens."""

MULTI_LABELS = ("threat", "insult", "calm")
SINGLE_LABELS = ("neutral", "toxic")


def vocabulary() -> list[str]:
    return [*SPECIAL, *KIND, *INSULTS, *THREATS, *MARKS, "##s"]


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({token: number for number, token in enumerate(vocabulary())}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def write_multi_label(folder: Path) -> Path:
    """A BERT whose labels, those of MULTI_LABELS, do not exclude each other."""
    torch.manual_seed(0)
    config = BertConfig(**_sizes(MULTI_LABELS, "multi_label_classification"), intermediate_size=32)
    return _trained(folder, BertForSequenceClassification(config), _marks)


def write_single_label(folder: Path) -> Path:
    """A DistilBERT whose labels, those of SINGLE_LABELS, exclude each other."""
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=len(vocabulary()),
        dim=32,
        n_layers=1,
        n_heads=2,
        hidden_dim=32,
        max_position_embeddings=CONTEXT,
        dropout=0.0,
        attention_dropout=0.0,
        seq_classif_dropout=0.0,
        **_labels(SINGLE_LABELS, "single_label_classification"),
    )
    return _trained(folder, DistilBertForSequenceClassification(config), lambda words: int(_marks(words)[2] == 0))


def _sizes(labels: Sequence[str], problem: Problem) -> dict[str, object]:
    return {
        "vocab_size": len(vocabulary()),
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        **_labels(labels, problem),
    }


def _labels(labels: Sequence[str], problem: Problem) -> dict[str, object]:
    names = dict(enumerate(labels))
    return {
        "initializer_range": 0.2,
        "id2label": names,
        "label2id": {label: number for number, label in names.items()},
        "problem_type": problem,
    }


def _marks(words: Sequence[str]) -> list[float]:
    threat, insult = (float(any(word in bad for word in words)) for bad in (THREATS, INSULTS))
    return [threat, insult, float(not threat and not insult)]


def _trained(folder: Path, model: PreTrainedModel, target: Callable[[Sequence[str]], object]) -> Path:
    """Save it once it tells kind sentences from others. The same weights each time."""
    quiet()
    tokenizer, rng = wordpiece(), random.Random(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        sentences = [_sentence(rng) for _ in range(32)]
        tokenizer.enable_padding(pad_id=0)
        encodings = tokenizer.encode_batch([" ".join(words) for words in sentences])
        loss = model(
            input_ids=torch.tensor([encoding.ids for encoding in encodings]),
            attention_mask=torch.tensor([encoding.attention_mask for encoding in encodings]),
            labels=torch.tensor([target(words) for words in sentences]),
        ).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tokenizer.no_padding()
    model.eval().save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def _sentence(rng: random.Random) -> list[str]:
    words = rng.choices([*KIND, UNKNOWN, *MARKS], k=rng.randint(1, 30))
    for bad in (INSULTS, THREATS):
        if rng.random() < 0.4:
            words[rng.randrange(len(words))] = rng.choice(bad)
    return words
