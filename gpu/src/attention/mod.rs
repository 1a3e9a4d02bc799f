//! Attention over inputs of unequal length, without padding.
//!
//! On a processor with AVX-512 a kernel of our own reads query, key and value where the product before left them and
//! writes rows where the product after wants them. libtorch's spends as long on a passage's attention as on all four
//! matrix products of its layer in bfloat16, since it converts to single precision and back; this one multiplies
//! bfloat16 pairs. Everywhere else libtorch's serves, a call a length.

#[cfg(target_arch = "x86_64")]
mod avx512;

use tch::{TchError, Tensor};

use crate::layout::Layout;

/// Each input's tokens attend to one another: from `[rows, 3 × hidden]`, query, key and value side by side, to
/// `[rows, hidden]`.
pub(crate) fn attend(qkv: &Tensor, heads: i64, layout: &Layout) -> Result<Tensor, TchError> {
    #[cfg(target_arch = "x86_64")]
    if let Some(attended) = avx512::attend(qkv, heads, layout)? {
        return Ok(attended);
    }
    by_length(qkv, heads, layout)
}

/// libtorch's own, a call for each group of equal length.
fn by_length(qkv: &Tensor, heads: i64, layout: &Layout) -> Result<Tensor, TchError> {
    let hidden = qkv.size2()?.1 / 3;
    let attended: Vec<Tensor> = layout
        .groups
        .iter()
        .map(|group| {
            let rows = qkv.f_narrow(0, group.first_row, group.count * group.len)?;
            let rows = rows.f_view([group.count, group.len, 3, heads, hidden / heads])?;
            let rows = rows.f_permute([2, 0, 3, 1, 4])?;
            let (q, k, v) = (rows.f_select(0, 0)?, rows.f_select(0, 1)?, rows.f_select(0, 2)?);
            let mask = group.mask.as_ref();
            let a = Tensor::f_scaled_dot_product_attention(&q, &k, &v, mask, 0.0, false, None, false)?;
            a.f_transpose(1, 2)?.f_reshape([group.count * group.len, hidden])
        })
        .collect::<Result<_, _>>()?;
    match attended.as_slice() {
        [one] => Ok(one.shallow_clone()),
        several => Tensor::f_cat(several, 0),
    }
}

#[cfg(test)]
mod tests {
    use domain::passage::PassageInput;
    use tch::{Device, Kind};

    use super::*;
    use crate::layout::Packing;

    #[test]
    fn both_ways_to_attend_agree_for_every_length_and_width() {
        let lens = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 100, 100, 127, 255, 256, 257, 500, 511, 512];
        let batch: Vec<_> = lens.iter().map(|len| PassageInput { tokens: vec![0; *len], spans: vec![] }).collect();
        let layout = Layout::new(&batch, Packing::Exact, Device::Cpu).unwrap();
        // Numbers of bfloat16 lie up to a 128th of themselves apart.
        for (kind, tolerance, step) in [(Kind::Float, 1e-5, 0.0), (Kind::BFloat16, 1e-2, 1.0 / 128.0)] {
            for (heads, width) in [(12, 32), (2, 64), (3, 16)] {
                // Of the size that trained models have: some attention is sharp.
                let qkv = Tensor::randn([layout.rows, 3 * heads * width], (Kind::Float, Device::Cpu)) * 1.7;
                let qkv = qkv.to_kind(kind);
                let ours = attend(&qkv, heads, &layout).unwrap();
                let exact = by_length(&qkv.to_kind(Kind::Float), heads, &layout).unwrap();
                assert_eq!((ours.size(), ours.kind()), (exact.size(), kind));
                let off = (ours.to_kind(Kind::Float) - &exact).abs() - exact.abs() * step;
                let off = off.max().double_value(&[]);
                assert!(off < tolerance, "{kind:?}, {heads} heads of {width}: {off}");
            }
        }
    }

    #[test]
    fn scores_far_apart_leave_no_holes() {
        let batch = [PassageInput { tokens: vec![0; 40], spans: vec![] }];
        let layout = Layout::new(&batch, Packing::Exact, Device::Cpu).unwrap();
        for kind in [Kind::Float, Kind::BFloat16] {
            let qkv = (Tensor::randn([40, 96], (Kind::Float, Device::Cpu)) * 300.0).to_kind(kind);
            let ours = attend(&qkv, 1, &layout).unwrap();
            assert!(ours.isfinite().all().int64_value(&[]) == 1);
        }
    }
}
