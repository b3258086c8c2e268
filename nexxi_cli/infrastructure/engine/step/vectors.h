// Vectors of 16 numbers, and what is done with them.

#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

constexpr int LANES = 16;

using Bf16 = uint16_t;
typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

template <typename Vector, typename Element>
inline Vector loaded(const Element *from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

inline void stored(Floats vector, float *to) { std::memcpy(to, &vector, sizeof vector); }

inline Floats all(float value) { return value - Floats{}; }

inline Floats widened(const Bf16 *from) { return (Floats)(__builtin_convertvector(loaded<Halves>(from), Ints) << 16); }

inline float sum(Floats vector) { return _mm512_reduce_add_ps((__m512)vector); }

// 2 to the power of x: of its fraction by the series of e's power, to 3e-6 of it.
inline Floats power_of_two(Floats x) {
    const Floats whole = (Floats)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Floats rest = x - whole;
    Floats result = all(1.3333558e-3f);
    for (float factor : {9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f})
        result = result * rest + factor;
    return (Floats)_mm512_scalef_ps((__m512)result, (__m512)whole);
}

constexpr float LOG2_E = 1.44269504f;

inline Floats halves(const uint8_t *from) { return (Floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }

inline void store_rounded(Floats numbers, Bf16 *to) {
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)numbers);
    std::memcpy(to, &rounded, sizeof rounded);
}

// The numbers of four bytes in every lane.
inline __m512i in_all(const void *quad) {
    int numbers;
    std::memcpy(&numbers, quad, sizeof numbers);
    return _mm512_set1_epi32(numbers);
}

}  // namespace
