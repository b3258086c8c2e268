// Vectors of 16 numbers where the processor has such.

#pragma once

namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));

inline Floats all(float value) { return value - Floats{}; }
inline Ints all(int value) { return value - Ints{}; }
inline Ints from_zero() { return Ints{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

inline Floats floats(Ints whole) { return __builtin_convertvector(whole, Floats); }
inline Ints bits(Floats numbers) { return (Ints)numbers; }
inline Floats of_bits(Ints bits) { return (Floats)bits; }

// Of each lane the first where a comparison holds, else the other.
inline Floats chosen(Ints holds, Floats one, Floats other) { return holds ? one : other; }

inline float sum(Floats vector) { return _mm512_reduce_add_ps((__m512)vector); }

inline float largest(Floats vector) { return _mm512_reduce_max_ps((__m512)vector); }

// A bit for each number that is not 0.
inline unsigned present(Ints numbers) { return _mm512_test_epi32_mask((__m512i)numbers, (__m512i)numbers); }

inline Ints rounded(Floats numbers) { return (Ints)_mm512_cvtps_epi32((__m512)numbers); }

// The lowest bytes.
inline Bytes bytes(Ints whole) { return (Bytes)_mm512_cvtepi32_epi8((__m512i)whole); }

inline Floats times_plus(Floats one, Floats other, Floats sums) {
    return (Floats)_mm512_fmadd_ps((__m512)one, (__m512)other, (__m512)sums);
}

// Four bytes of each lane (0 to 255; with NARROW, to 15) times four others (-128 to 127), added to a sum.
template <bool NARROW>
inline Ints add_products(Ints sums, Ints bytes, Ints others) {
    return (Ints)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)bytes, (__m512i)others);
}

// Two bfloat16 numbers of each lane times two others, added to a sum.
inline Floats add_pairs(Floats sums, Ints pairs, Ints others) {
    return (Floats)_mm512_dpbf16_ps((__m512)sums, (__m512bh)pairs, (__m512bh)others);
}

// The sum of each lane's four bytes.
inline Column sum_of_bytes(Column bytes) {
    return (Column)_mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), (__m256i)bytes);
}

// Put 16 numbers into every second place, from the first or the second on.
inline void store_apart(const Bf16 *numbers, Bf16 *to, bool from_second) {
    const Ints apart = __builtin_convertvector(loaded<Halves>(numbers), Ints);
    _mm512_mask_storeu_epi16(to, from_second ? 0xaaaaaaaa : 0x55555555, (__m512i)(apart | apart << 16));
}

inline Floats widened(const Bf16 *from) { return (Floats)(__builtin_convertvector(loaded<Halves>(from), Ints) << 16); }

// Numbers of 16 bits, float16.
inline Floats halves(const uint8_t *from) { return (Floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }

inline void store_rounded(Floats numbers, Bf16 *to) { stored(_mm512_cvtneps_pbh((__m512)numbers), to); }

inline Floats whole(Floats x) {
    return (Floats)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

inline Floats times_power_of_two(Floats numbers, Floats whole) {
    return (Floats)_mm512_scalef_ps((__m512)numbers, (__m512)whole);
}

}  // namespace
