//! Attention on processors with AVX-512: a kernel for single precision, one for bfloat16.
//!
//! A head of an input at a time, a few queries at a time: scores against all keys, softmax with the exponential of
//! base two, then the values' weighted sum. Keys are first laid out so that neighbouring ones lie side by side. All
//! that a head needs stays in the second-level cache.
#![allow(unsafe_code, reason = "vector instructions read and write through pointers; the bounds stand beside them")]

use std::arch::x86_64::*;

use tch::{Device, Kind, TchError, Tensor};

use crate::layout::Layout;

/// Numbers in a vector.
const LANES: usize = 16;
/// Below every score, and finite: what a place without a key scores.
const NOTHING: f32 = -1e30;

/// `None` where this processor or this shape has no kernel.
pub(super) fn attend(qkv: &Tensor, heads: i64, layout: &Layout) -> Result<Option<Tensor>, TchError> {
    let (rows, columns) = qkv.size2()?;
    let exact = layout.rows == rows && layout.groups.iter().all(|group| group.mask.is_none());
    if qkv.device() != Device::Cpu || !qkv.is_contiguous() || !exact || heads < 1 || columns % (3 * heads) != 0 {
        return Ok(None);
    }
    let width = columns / 3 / heads;
    let kind = qkv.kind();
    let Some(kernel) = kernel(kind, width) else { return Ok(None) };
    let out = Tensor::f_empty([rows, columns / 3], (kind, Device::Cpu))?;
    let shape = Shape { columns: columns as usize, heads: heads as usize, width: width as usize };
    let mut scratch = Scratch::new(layout.groups.iter().map(|group| group.len as usize).max().unwrap_or(0), &shape);
    for group in &layout.groups {
        for input in 0..group.count {
            let (first, len) = ((group.first_row + input * group.len) as usize, group.len as usize);
            assert!(first + len <= rows as usize, "groups lie within the rows");
            for head in 0..shape.heads {
                // SAFETY: the processor has the kernel's instructions. Both tensors are contiguous, of the kernel's
                // kind, with rows `first..first + len`, of `columns` and a third of `columns` numbers; the scratch
                // is made for this length.
                unsafe { kernel(qkv.data_ptr().cast(), out.data_ptr().cast(), first, len, head, &shape, &mut scratch) };
            }
        }
    }
    Ok(Some(out))
}

/// Of the tensors that a kernel reads and writes.
struct Shape {
    /// Numbers in a row of query, key and value.
    columns: usize,
    heads: usize,
    /// Numbers of a head.
    width: usize,
}

/// What a kernel writes on its way, for the longest input.
struct Scratch {
    /// Keys, `width` × keys in single precision, `width / 2` pairs × keys in bfloat16.
    keys: Vec<u32>,
    /// Values in pairs of neighbouring keys, `keys / 2` × `width`.
    values: Vec<u32>,
    /// Scores of a few queries.
    scores: Vec<f32>,
    /// Their exponentials, two bfloat16 in one.
    shares: Vec<u32>,
}

impl Scratch {
    fn new(longest: usize, shape: &Shape) -> Self {
        let keys = padded(longest);
        Self {
            keys: vec![0; keys * shape.width],
            values: vec![0; keys / 2 * shape.width],
            scores: vec![0.0; keys * 8],
            shares: vec![0; keys / 2 * 8],
        }
    }
}

fn padded(len: usize) -> usize {
    len.next_multiple_of(LANES)
}

type Kernel = unsafe fn(*const u8, *mut u8, usize, usize, usize, &Shape, &mut Scratch);

fn kernel(kind: Kind, width: i64) -> Option<Kernel> {
    let f32s = is_x86_feature_detected!("avx512f");
    let bf16s = f32s && is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512vl");
    match (kind, width) {
        (Kind::Float, 32) if f32s => Some(single::<32, 2, 8>),
        (Kind::Float, 64) if f32s => Some(single::<64, 4, 4>),
        (Kind::BFloat16, 32) if bf16s => Some(brain::<16, 2, 8>),
        (Kind::BFloat16, 64) if bf16s => Some(brain::<32, 4, 4>),
        _ => None,
    }
}

/// One head of one input in single precision: `WIDTH` numbers in `VECTORS` vectors, `QUERIES` at a time.
///
/// # Safety
/// See [`attend`].
#[target_feature(enable = "avx512f")]
unsafe fn single<const WIDTH: usize, const VECTORS: usize, const QUERIES: usize>(
    qkv: *const u8,
    out: *mut u8,
    first: usize,
    len: usize,
    head: usize,
    shape: &Shape,
    scratch: &mut Scratch,
) {
    let (columns, hidden, keys) = (shape.columns, shape.columns / 3, padded(len));
    // SAFETY: of row `first`, the numbers of this head; `len` rows follow at steps of `columns` and `hidden`.
    let (q, k, v, out) = unsafe {
        let q = qkv.cast::<f32>().add(first * columns + head * WIDTH);
        (q, q.add(hidden), q.add(2 * hidden), out.cast::<f32>().add(first * hidden + head * WIDTH))
    };
    let turned = scratch.keys[..WIDTH * keys].as_mut_ptr().cast::<f32>();
    let scores = scratch.scores[..QUERIES * keys].as_mut_ptr();
    // SAFETY: rows of `WIDTH` keys at steps of `columns`; `turned` has `WIDTH` rows of `keys ≥ len`.
    unsafe { turn(k, turned, len, WIDTH, columns, keys) };
    for start in (0..len).step_by(QUERIES) {
        // SAFETY: `len` rows of queries, `columns` apart.
        let query: [*const f32; QUERIES] = unsafe { rows(q, start, len, columns) };
        for key in (0..keys).step_by(LANES) {
            let mut sums = [_mm512_setzero_ps(); QUERIES];
            for at in 0..WIDTH {
                // SAFETY: a whole vector of `turned`, and number `at` of each query's head.
                unsafe {
                    let keys = _mm512_loadu_ps(turned.add(at * keys + key));
                    for (sum, query) in sums.iter_mut().zip(query) {
                        *sum = _mm512_fmadd_ps(_mm512_set1_ps(*query.add(at)), keys, *sum);
                    }
                }
            }
            // SAFETY: `QUERIES` rows of `keys ≥ key + LANES` scores.
            unsafe { keep(sums, scores.add(key), keys) };
        }
        let mut rest = [0f32; QUERIES];
        for (i, rest) in rest.iter_mut().enumerate() {
            // SAFETY: row `i` of the scores holds `keys`.
            *rest = unsafe {
                softmax::<6>(scores.add(i * keys), len, keys, WIDTH, |at, shares| {
                    _mm512_storeu_ps(scores.add(i * keys + at), shares);
                })
            };
        }
        let mut sums = [[_mm512_setzero_ps(); VECTORS]; QUERIES];
        for key in 0..len {
            // SAFETY: row `key` of the values, and share `key` of each query.
            unsafe {
                let values: [__m512; VECTORS] =
                    std::array::from_fn(|t| _mm512_loadu_ps(v.add(key * columns + t * LANES)));
                for (i, sums) in sums.iter_mut().enumerate() {
                    let share = _mm512_set1_ps(*scores.add(i * keys + key));
                    for (sum, values) in sums.iter_mut().zip(values) {
                        *sum = _mm512_fmadd_ps(share, values, *sum);
                    }
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate().take(len - start) {
            let share = _mm512_set1_ps(1.0 / rest[i]);
            for (t, sum) in sums.into_iter().enumerate() {
                // SAFETY: row `start + i < len` of this head.
                unsafe { _mm512_storeu_ps(out.add((start + i) * hidden + t * LANES), _mm512_mul_ps(sum, share)) };
            }
        }
    }
}

/// Rows `start` and on of `len`, `step` apart; the last one again where there are no more.
///
/// # Safety
/// `first` leads to `len > 0` rows.
#[inline]
unsafe fn rows<T, const COUNT: usize>(first: *const T, start: usize, len: usize, step: usize) -> [*const T; COUNT] {
    // SAFETY: a row below `len`.
    std::array::from_fn(|i| unsafe { first.add((start + i).min(len - 1) * step) })
}

/// Writes one vector of scores for each query, `step` apart.
///
/// # Safety
/// `to` leads to `COUNT` vectors at that step.
#[target_feature(enable = "avx512f")]
unsafe fn keep<const COUNT: usize>(sums: [__m512; COUNT], to: *mut f32, step: usize) {
    for (i, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { _mm512_storeu_ps(to.add(i * step), sum) };
    }
}

/// Lays `len` rows of `width` numbers, `from_step` apart, down as `width` rows that are `to_step` apart.
///
/// # Safety
/// Every row that is read and every one that is written lies within what the pointers are of.
#[inline]
unsafe fn turn<T: Copy>(from: *const T, to: *mut T, len: usize, width: usize, from_step: usize, to_step: usize) {
    for row in 0..len {
        for at in 0..width {
            // SAFETY: the caller's.
            unsafe { *to.add(at * to_step + row) = from.add(row * from_step + at).read_unaligned() };
        }
    }
}

/// One head of one input in bfloat16: `PAIRS` pairs of numbers in `VECTORS` vectors of pairs of keys, `QUERIES` at a
/// time. Sums are kept in single precision.
///
/// # Safety
/// See [`attend`].
#[target_feature(enable = "avx512f,avx512vl,avx512bf16")]
unsafe fn brain<const PAIRS: usize, const VECTORS: usize, const QUERIES: usize>(
    qkv: *const u8,
    out: *mut u8,
    first: usize,
    len: usize,
    head: usize,
    shape: &Shape,
    scratch: &mut Scratch,
) {
    let (columns, hidden, keys) = (shape.columns, shape.columns / 3, padded(len));
    let width = 2 * PAIRS;
    // SAFETY: of row `first`, the numbers of this head; `len` rows follow at steps of `columns` and `hidden`.
    let (q, k, v, out) = unsafe {
        let q = qkv.cast::<u16>().add(first * columns + head * width);
        (q, q.add(hidden), q.add(2 * hidden), out.cast::<u16>().add(first * hidden + head * width))
    };
    let turned = scratch.keys[..PAIRS * keys].as_mut_ptr();
    let values = scratch.values[..keys / 2 * width].as_mut_ptr();
    let scores = scratch.scores[..QUERIES * keys].as_mut_ptr();
    let shares = scratch.shares[..QUERIES * keys / 2].as_mut_ptr();
    // SAFETY: rows of `PAIRS` pairs of keys at steps of `columns` numbers, an even count; `turned` has `PAIRS` rows of
    // `keys ≥ len`. `len` rows of `width` values; room for half as many rows of pairs as there are `keys`.
    unsafe {
        turn(k.cast::<u32>(), turned, len, PAIRS, columns / 2, keys);
        pair_rows::<VECTORS>(v, values, len, keys, columns);
    }
    for start in (0..len).step_by(QUERIES) {
        // SAFETY: `len` rows of pairs of queries, `columns` numbers apart.
        let query: [*const u32; QUERIES] = unsafe { rows(q.cast(), start, len, columns / 2) };
        for key in (0..keys).step_by(LANES) {
            let mut sums = [_mm512_setzero_ps(); QUERIES];
            for pair in 0..PAIRS {
                // SAFETY: a whole vector of `turned`, and pair `pair` of each query's head.
                unsafe {
                    let keys = pairs(_mm512_loadu_si512(turned.add(pair * keys + key).cast()));
                    for (sum, query) in sums.iter_mut().zip(query) {
                        let query = pairs(_mm512_set1_epi32(query.add(pair).read_unaligned() as i32));
                        *sum = _mm512_dpbf16_ps(*sum, query, keys);
                    }
                }
            }
            // SAFETY: `QUERIES` rows of `keys ≥ key + LANES` scores.
            unsafe { keep(sums, scores.add(key), keys) };
        }
        let mut rest = [0f32; QUERIES];
        for (i, rest) in rest.iter_mut().enumerate() {
            // SAFETY: row `i` of the scores holds `keys`, row `i` of the shares half as many pairs.
            *rest = unsafe {
                softmax::<4>(scores.add(i * keys), len, keys, width, |at, found| {
                    let found = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(found));
                    _mm256_storeu_si256(shares.add((i * keys + at) / 2).cast(), found);
                })
            };
        }
        // SAFETY: `keys / 2` rows of values, and as many shares of each query.
        let sums = unsafe { weigh::<VECTORS, QUERIES>(values, shares, keys) };
        for (i, sums) in sums.into_iter().enumerate().take(len - start) {
            let share = _mm512_set1_ps(1.0 / rest[i]);
            for (t, sum) in sums.into_iter().enumerate() {
                let found = _mm512_cvtneps_pbh(_mm512_mul_ps(sum, share));
                // SAFETY: row `start + i < len` of this head.
                unsafe {
                    let found = std::mem::transmute::<__m256bh, __m256i>(found);
                    _mm256_storeu_si256(out.add((start + i) * hidden + t * LANES).cast(), found);
                }
            }
        }
    }
}

/// Lays the values of neighbouring keys down as pairs, zero where there is no key.
///
/// # Safety
/// `v` leads to `len` rows of `VECTORS` × [`LANES`] numbers, `columns` apart; `values` has room for `keys / 2` rows of
/// as many pairs.
#[target_feature(enable = "avx512f")]
unsafe fn pair_rows<const VECTORS: usize>(v: *const u16, values: *mut u32, len: usize, keys: usize, columns: usize) {
    for pair in 0..keys / 2 {
        for t in 0..VECTORS {
            // SAFETY: rows `2 × pair` and the next of the values where there are such.
            unsafe {
                let row = |key: usize| match key < len {
                    true => _mm512_cvtepu16_epi32(_mm256_loadu_si256(v.add(key * columns + t * LANES).cast())),
                    false => _mm512_setzero_si512(),
                };
                let both = _mm512_or_si512(row(2 * pair), _mm512_slli_epi32::<16>(row(2 * pair + 1)));
                _mm512_storeu_si512(values.add((pair * VECTORS + t) * LANES).cast(), both);
            }
        }
    }
}

/// The sums of all values by each query's shares.
///
/// # Safety
/// `values` has `keys / 2` rows of `VECTORS` × [`LANES`] pairs; each of `QUERIES` rows of `shares` has `keys / 2`.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn weigh<const VECTORS: usize, const QUERIES: usize>(
    values: *const u32,
    shares: *const u32,
    keys: usize,
) -> [[__m512; VECTORS]; QUERIES] {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; QUERIES];
    for pair in 0..keys / 2 {
        // SAFETY: row `pair` of the values, and pair `pair` of each query's shares.
        unsafe {
            let values: [__m512bh; VECTORS] =
                std::array::from_fn(|t| pairs(_mm512_loadu_si512(values.add((pair * VECTORS + t) * LANES).cast())));
            for (i, sums) in sums.iter_mut().enumerate() {
                let share = pairs(_mm512_set1_epi32(*shares.add(i * keys / 2 + pair) as i32));
                for (sum, values) in sums.iter_mut().zip(values) {
                    *sum = _mm512_dpbf16_ps(*sum, share, values);
                }
            }
        }
    }
    sums
}

/// Sixteen pairs of bfloat16, as the instruction wants them.
#[target_feature(enable = "avx512f,avx512bf16")]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits of any value.
    unsafe { std::mem::transmute(bits) }
}

/// Exponentials of a row of scores less its largest, handed to `put` a vector at a time, zero where there is no key;
/// gives their sum.
///
/// # Safety
/// `scores` has `keys` numbers, a multiple of [`LANES`] above `len > 0`, and `put` writes where it may.
#[target_feature(enable = "avx512f")]
unsafe fn softmax<const TERMS: usize>(
    scores: *mut f32,
    len: usize,
    keys: usize,
    width: usize,
    put: impl Fn(usize, __m512),
) -> f32 {
    let scale = std::f32::consts::LOG2_E / (width as f32).sqrt();
    for key in len..keys {
        // SAFETY: `key < keys`.
        unsafe { *scores.add(key) = NOTHING };
    }
    let mut largest = _mm512_set1_ps(NOTHING);
    for at in (0..keys).step_by(LANES) {
        // SAFETY: `at + LANES ≤ keys`.
        largest = _mm512_max_ps(largest, unsafe { _mm512_loadu_ps(scores.add(at)) });
    }
    let (scale, largest) = (_mm512_set1_ps(scale), _mm512_set1_ps(_mm512_reduce_max_ps(largest) * scale));
    let mut sum = _mm512_setzero_ps();
    for at in (0..keys).step_by(LANES) {
        // SAFETY: `at + LANES ≤ keys`.
        let exponent = _mm512_fmsub_ps(unsafe { _mm512_loadu_ps(scores.add(at)) }, scale, largest);
        let found = exp2::<TERMS>(exponent);
        sum = _mm512_add_ps(sum, found);
        put(at, found);
    }
    _mm512_reduce_add_ps(sum)
}

/// Two to the power of `x ≤ 0`: the whole part goes into the exponent, the rest through the series of the exponential
/// function, off by less than ln(2)ⁿ⁺¹/(n+1)! · 2⁻ⁿ⁻¹ for n terms.
#[target_feature(enable = "avx512f")]
fn exp2<const TERMS: usize>(x: __m512) -> __m512 {
    const SERIES: [f32; 7] =
        [1.0, std::f32::consts::LN_2, 0.240_226_5, 0.055_504_11, 0.009_618_129, 0.001_333_356, 0.000_154_035_3];
    let whole = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let rest = _mm512_sub_ps(x, whole);
    let mut sum = _mm512_set1_ps(SERIES[TERMS]);
    for term in SERIES[..TERMS].iter().rev() {
        sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(*term));
    }
    _mm512_scalef_ps(sum, whole)
}
