// A model and the tokens that it reads, as they are handed over.

#pragma once

#include "matrix.h"

extern "C" {

struct Layer {
    Matrix qkv, output, gate_up, down;
    const float *norm, *ffn_norm, *query_norm, *key_norm;  // the last two may be null
};

struct Model {
    const Layer *layers;
    const float *norm;
    Matrix head;
    int32_t count, width, heads, kv_heads, head_width, ffn_width;
    float norm_eps;
};

// A token: where its text's keys and values lie (Kept), how far apart keys and values of a layer are, in numbers; its
// place in the text, the first place that it sees.
struct Token {
    Bf16 *kept;
    int64_t apart;
    int32_t place, first;
};

}  // extern "C"
