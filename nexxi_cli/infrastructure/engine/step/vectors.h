// Vectors of 16 numbers, and what is done with them: by AVX-512's instructions or, where there are none, by AVX2's, two
// for one.

#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#define WIDE 1  // there are vectors of 512 bits, and all that is wanted of them
#else
#define WIDE 0
#endif

namespace {

constexpr int LANES = 16;

using Bf16 = uint16_t;
typedef int8_t Bytes __attribute__((vector_size(16)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef int32_t Column __attribute__((vector_size(32)));

template <typename Vector, typename Element>
inline Vector loaded(const Element *from) {
    if constexpr (std::is_class_v<Vector>) {  // of two parts, which memory would not give back to registers
        const auto *bytes = (const char *)from;
        using Part = decltype(Vector::lower);
        return {loaded<Part>(bytes), loaded<Part>(bytes + sizeof(Part))};
    } else {
        Vector vector;
        std::memcpy(&vector, from, sizeof vector);
        return vector;
    }
}

template <typename Vector, typename Element>
inline void stored(Vector vector, Element *to) {
    if constexpr (std::is_class_v<Vector>) {
        stored(vector.lower, (char *)to);
        stored(vector.upper, (char *)to + sizeof vector.lower);
    } else {
        std::memcpy(to, &vector, sizeof vector);
    }
}

}  // namespace

#if WIDE
#include "avx512.h"
#else
#include "avx2.h"
#endif

namespace {

// The numbers of four bytes in every lane.
inline Ints in_all(const void *quad) {
    int numbers;
    std::memcpy(&numbers, quad, sizeof numbers);
    return all(numbers);
}

inline Floats sizes(Floats numbers) { return of_bits(bits(numbers) & all(0x7fffffff)); }

inline Floats larger(Floats one, Floats other) { return chosen(one < other, other, one); }

// 2 to the power of x: of its fraction by the series of e's power, to 3e-6 of it.
inline Floats power_of_two(Floats x) {
    const Floats exponent = whole(x), rest = x - exponent;
    Floats result = all(1.3333558e-3f);
    for (float factor : {9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f})
        result = times_plus(result, rest, all(factor));
    return times_power_of_two(result, exponent);
}

constexpr float LOG2_E = 1.44269504f;

}  // namespace
