// Vectors of 16 numbers where the processor has vectors of eight. What each does is said in avx512.h.

#pragma once

namespace {

typedef float EightFloats __attribute__((vector_size(32)));
typedef int32_t EightInts __attribute__((vector_size(32)));

struct Ints {
    EightInts lower, upper;
};

struct Floats {
    EightFloats lower, upper;
};

#define OPERATOR(OF, TO, SIGN) \
    inline TO operator SIGN(OF one, OF other) { return {one.lower SIGN other.lower, one.upper SIGN other.upper}; }
OPERATOR(Floats, Floats, +)
OPERATOR(Floats, Floats, -)
OPERATOR(Floats, Floats, *)
OPERATOR(Floats, Floats, /)
OPERATOR(Floats, Ints, <)
OPERATOR(Floats, Ints, ==)
OPERATOR(Ints, Ints, +)
OPERATOR(Ints, Ints, -)
OPERATOR(Ints, Ints, &)
OPERATOR(Ints, Ints, |)
OPERATOR(Ints, Ints, <=)
#undef OPERATOR

inline Ints operator~(Ints one) { return {~one.lower, ~one.upper}; }
inline Ints operator>>(Ints one, int by) { return {one.lower >> by, one.upper >> by}; }
inline Ints operator<<(Ints one, int by) { return {one.lower << by, one.upper << by}; }
inline Floats &operator+=(Floats &one, Floats other) { return one = one + other; }
inline Floats &operator*=(Floats &one, Floats other) { return one = one * other; }
inline Ints &operator&=(Ints &one, Ints other) { return one = one & other; }

inline Floats all(float value) { return {value - EightFloats{}, value - EightFloats{}}; }
inline Ints all(int value) { return {value - EightInts{}, value - EightInts{}}; }
inline Ints from_zero() { return {EightInts{0, 1, 2, 3, 4, 5, 6, 7}, EightInts{8, 9, 10, 11, 12, 13, 14, 15}}; }

inline Floats floats(Ints whole) {
    return {__builtin_convertvector(whole.lower, EightFloats), __builtin_convertvector(whole.upper, EightFloats)};
}
inline Ints bits(Floats numbers) { return {(EightInts)numbers.lower, (EightInts)numbers.upper}; }
inline Floats of_bits(Ints bits) { return {(EightFloats)bits.lower, (EightFloats)bits.upper}; }

inline Floats chosen(Ints holds, Floats one, Floats other) {
    return {holds.lower ? one.lower : other.lower, holds.upper ? one.upper : other.upper};
}

inline float sum(Floats vector) {
    const __m256 eight = (__m256)(vector.lower + vector.upper);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

inline float largest(Floats vector) {
    const __m256 eight = _mm256_max_ps((__m256)vector.lower, (__m256)vector.upper);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

inline unsigned present(Ints numbers) {
    const unsigned lower = _mm256_movemask_ps((__m256)(numbers.lower == 0));
    const unsigned upper = _mm256_movemask_ps((__m256)(numbers.upper == 0));
    return ~(upper << 8 | lower) & 0xffff;
}

inline Ints rounded(Floats numbers) {
    return {(EightInts)_mm256_cvtps_epi32((__m256)numbers.lower), (EightInts)_mm256_cvtps_epi32((__m256)numbers.upper)};
}

// 16 bits of each.
inline __m256i narrowed(Ints whole) {
    const __m256i low = _mm256_set1_epi32(0xffff);
    const __m256i mixed = _mm256_packus_epi32((__m256i)whole.lower & low, (__m256i)whole.upper & low);
    return _mm256_permute4x64_epi64(mixed, 0xd8);
}

inline Bytes bytes(Ints whole) {
    const __m256i low = narrowed(whole & all(255));
    return (Bytes)_mm_packus_epi16(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}

inline Floats times_plus(Floats one, Floats other, Floats sums) {
    return {(EightFloats)_mm256_fmadd_ps((__m256)one.lower, (__m256)other.lower, (__m256)sums.lower),
            (EightFloats)_mm256_fmadd_ps((__m256)one.upper, (__m256)other.upper, (__m256)sums.upper)};
}

// Of narrow ones, two products fit into 16 bits.
template <bool NARROW>
inline EightInts products(EightInts bytes, EightInts others) {
    const __m256i left = (__m256i)bytes, right = (__m256i)others;
    if (NARROW) return (EightInts)_mm256_madd_epi16(_mm256_maddubs_epi16(left, right), _mm256_set1_epi16(1));
    const __m256i even = _mm256_and_si256(left, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(left, 8);
    const __m256i right_even = _mm256_srai_epi16(_mm256_slli_epi16(right, 8), 8);
    const __m256i right_odd = _mm256_srai_epi16(right, 8);
    return (EightInts)_mm256_madd_epi16(even, right_even) + (EightInts)_mm256_madd_epi16(odd, right_odd);
}

template <bool NARROW>
inline Ints add_products(Ints sums, Ints bytes, Ints others) {
    return {sums.lower + products<NARROW>(bytes.lower, others.lower),
            sums.upper + products<NARROW>(bytes.upper, others.upper)};
}

inline Floats add_pairs(Floats sums, Ints pairs, Ints others) {
    const Ints second = all(int(0xffff0000));
    sums = times_plus(of_bits(pairs << 16), of_bits(others << 16), sums);
    return times_plus(of_bits(pairs & second), of_bits(others & second), sums);
}

inline Column sum_of_bytes(Column bytes) {
    return (Column)_mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), (__m256i)bytes), _mm256_set1_epi16(1));
}

inline void store_apart(const Bf16 *numbers, Bf16 *to, bool from_second) {
    for (int number = 0; number < LANES; number++) to[2 * number + from_second] = numbers[number];
}

inline Floats widened(const Bf16 *from) {
    const __m256i lower = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
    const __m256i upper = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(from + LANES / 2)));
    return of_bits(Ints{(EightInts)lower, (EightInts)upper} << 16);
}

inline Floats halves(const uint8_t *from) {
    return {(EightFloats)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from)),
            (EightFloats)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + LANES)))};
}

// To the nearest, or an even one; what is no number stays so.
inline void store_rounded(Floats numbers, Bf16 *to) {
    const Ints before = bits(numbers), nearest = before + all(0x7fff) + ((before >> 16) & all(1));
    const Ints found = bits(chosen(numbers == numbers, of_bits(nearest), of_bits(before | all(0x400000))));
    stored(narrowed(found >> 16), to);
}

inline Floats whole(Floats x) {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {(EightFloats)_mm256_round_ps((__m256)x.lower, nearest),
            (EightFloats)_mm256_round_ps((__m256)x.upper, nearest)};
}

inline Floats times_power_of_two(Floats numbers, Floats whole) {
    const Floats most = all(128.0f), least = all(-127.0f);
    const Floats bounded = chosen(whole < most, chosen(whole < least, least, whole), most);
    return numbers * of_bits((rounded(bounded) + all(127)) << 23);
}

}  // namespace
