//! The covers of books, made small when somebody first asks, and kept in the cache.
//!
//! A cover is decoded under limits, off the runtime, by one of the few who may hold a book in memory. What is made of
//! the same book is the same, so the cache names it by the book's digest.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::body::keeping::{CoverFormat, CoverReply, GetCover};
use cluster::body::{Fault, MAX_INLINE_BYTES, Scope};
use domain::id::Digest;
use image::codecs::avif::AvifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ExtendedColorType, ImageReader, Limits};

use crate::projects::find;
use crate::run::{Halt, RunContext, heavy, permit};
use crate::storage::blob_scope;
use crate::store_fault;

/// How long a picture stays in the cache.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Sides that may be asked for.
const EDGES_PX: std::ops::RangeInclusive<u32> = 16..=1_024;
/// Memory that decoding may take for one pixel, and some more.
const BYTES_PER_PIXEL: u64 = 8;
/// Of 100.
const JPEG_QUALITY: u8 = 82;
/// Of 100; AVIF's numbers mean something else than JPEG's.
const AVIF_QUALITY: u8 = 60;
/// From 1, the smallest files, to 10, the quickest.
const AVIF_SPEED: u8 = 10;

type Result<T> = std::result::Result<T, Fault>;

/// The cover of a project's newest revision.
///
/// # Errors
/// `cover-not-found` where the book has none that can be shown; `bad-request` for a size that is none.
pub async fn cover(context: &Arc<RunContext>, ask: &GetCover) -> Result<CoverReply> {
    if !EDGES_PX.contains(&ask.edge_px) {
        let detail = format!("a cover is {} to {} pixels wide", EDGES_PX.start(), EDGES_PX.end());
        return Err(Fault::new("bad-request", detail));
    }
    let row = find(context, ask.principal, ask.project).await?;
    let Some(format) = ask.formats.first().copied() else {
        return Err(Fault::new("bad-request", "say which formats can be shown"));
    };
    let name = format!("cover {} {} {}", row.book.digest, ask.edge_px, label(format));
    // Without the cache the picture is made again each time.
    let kept = context.keeping.cache.get(&name).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the cache can't be used");
        None
    });
    let kept = match kept {
        Some(kept) => kept,
        None => {
            let scope = Scope { tenant: row.tenant, project: row.project };
            let made = made(context, scope, row.book.digest, ask.edge_px, format).await?;
            if let Err(error) = context.keeping.cache.put(&name, made.clone(), KEPT).await {
                tracing::debug!(%error, "a cover was not kept in the cache");
            }
            made
        }
    };
    let (format, bytes) = kept.split_first().ok_or_else(no_cover)?;
    let format = [CoverFormat::Jpeg, CoverFormat::WebP, CoverFormat::Avif].into_iter().find(|f| label(*f) == *format);
    Ok(CoverReply { digest: Digest::of(bytes), format: format.ok_or_else(no_cover)?, bytes: bytes.to_vec() })
}

fn no_cover() -> Fault {
    Fault::new("cover-not-found", "this book has no cover that can be shown")
}

fn label(format: CoverFormat) -> u8 {
    match format {
        CoverFormat::Jpeg => b'j',
        CoverFormat::WebP => b'w',
        CoverFormat::Avif => b'a',
    }
}

/// A picture, its format's letter before it; nothing where the book has no cover.
async fn made(
    context: &Arc<RunContext>,
    scope: Scope,
    book: Digest,
    edge_px: u32,
    format: CoverFormat,
) -> Result<Bytes> {
    let halted = |halt| match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    };
    let permit = permit(context).await.map_err(halted)?;
    let limits = context.limits.clone();
    let file = context.blobs.get(blob_scope(scope), book, limits.file_bytes).await.map_err(|e| store_fault(&e))?;
    let work = move || {
        let cover = book::cover(&file, &limits).map_err(|e| Fault::new(e.code(), e.to_string()))?;
        let small = cover.and_then(|cover| small(&cover, limits.cover_pixels, edge_px, format));
        Ok(small.map_or_else(Bytes::new, Bytes::from))
    };
    heavy(permit, work).await.map_err(halted)?
}

/// A picture made small and written in a format, or in JPEG where that is smaller; `None` for what is no picture, or
/// has more pixels than allowed.
fn small(picture: &[u8], pixels_max: u64, edge_px: u32, format: CoverFormat) -> Option<Vec<u8>> {
    let decoded = decoded(picture, pixels_max)?;
    let is_larger = decoded.width() > edge_px || decoded.height() > edge_px;
    let fitted = if is_larger { decoded.resize(edge_px, edge_px, FilterType::CatmullRom) } else { decoded };
    let first = written(&fitted, format)?;
    if format != CoverFormat::WebP {
        return Some(first);
    }
    // Without loss, a photograph is larger than as JPEG, and a drawing smaller.
    let jpeg = written(&fitted, CoverFormat::Jpeg)?;
    Some(if jpeg.len() < first.len() { jpeg } else { first })
}

fn decoded(picture: &[u8], pixels_max: u64) -> Option<DynamicImage> {
    let reader = || ImageReader::new(Cursor::new(picture)).with_guessed_format().ok();
    // The header alone: what says that it is larger is not decoded.
    let (width, height) = reader()?.into_dimensions().ok()?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > pixels_max {
        return None;
    }
    let mut reader = reader()?;
    let mut limits = Limits::no_limits();
    (limits.max_image_width, limits.max_image_height) = (Some(width), Some(height));
    limits.max_alloc = Some(pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(16 << 20));
    reader.limits(limits);
    match reader.decode() {
        Ok(picture) => Some(picture),
        Err(error) => {
            tracing::debug!(%error, "a cover could not be decoded");
            None
        }
    }
}

fn written(picture: &DynamicImage, format: CoverFormat) -> Option<Vec<u8>> {
    let mut out = vec![label(format)];
    let (width, height) = (picture.width(), picture.height());
    // Covers are shown on a page's own ground: where they are transparent, that is white paper.
    let flat = flattened(picture);
    let (bytes, color) = (flat.as_raw().as_slice(), ExtendedColorType::Rgb8);
    let done = match format {
        CoverFormat::Jpeg => JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).encode(bytes, width, height, color),
        CoverFormat::WebP => WebPEncoder::new_lossless(&mut out).encode(bytes, width, height, color),
        CoverFormat::Avif => {
            use image::ImageEncoder as _;
            let encoder = AvifEncoder::new_with_speed_quality(&mut out, AVIF_SPEED, AVIF_QUALITY);
            encoder.with_num_threads(Some(1)).write_image(bytes, width, height, color)
        }
    };
    match done {
        Ok(()) if out.len() <= MAX_INLINE_BYTES => Some(out),
        Ok(()) => None,
        Err(error) => {
            tracing::warn!(%error, "a cover could not be written");
            None
        }
    }
}

/// A picture on white paper.
pub(crate) fn flattened(picture: &DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    image::RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let over = |value: u8| {
            let sum = u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            u8::try_from(sum / 255).unwrap_or(255)
        };
        image::Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a photograph: every pixel differs from its neighbours.
    fn photograph(width: u32, height: u32) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7;
            image::Rgb([(x / 3) as u8, (y / 4) as u8, (noise % 97) as u8])
        });
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, image::ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_cover_fits_into_its_square_in_each_format() {
        let picture = photograph(600, 900);
        for (format, magic) in
            [(CoverFormat::Jpeg, b"\xff\xd8\xff".as_slice()), (CoverFormat::Avif, b"ftypavif".as_slice())]
        {
            let small = small(&picture, 64_000_000, 128, format).unwrap();
            assert_eq!(small[0], label(format));
            assert!(small.len() < 20_000 && small.windows(magic.len()).any(|window| window == magic));
        }
        let jpeg = small(&picture, 64_000_000, 128, CoverFormat::Jpeg).unwrap();
        let shown = image::load_from_memory(&jpeg[1..]).unwrap();
        assert_eq!((shown.width(), shown.height()), (85, 128));
        let tiny = small(&photograph(20, 30), 64_000_000, 128, CoverFormat::Jpeg).unwrap();
        assert_eq!(image::load_from_memory(&tiny[1..]).unwrap().width(), 20, "nothing is blown up");
    }

    #[test]
    fn who_shows_webp_gets_it_where_it_is_smaller() {
        let drawing = image::RgbImage::from_fn(400, 600, |x, _| image::Rgb([if x < 200 { 0 } else { 255 }; 3]));
        let mut out = Cursor::new(Vec::new());
        drawing.write_to(&mut out, image::ImageFormat::Png).unwrap();
        assert_eq!(small(&out.into_inner(), 64_000_000, 256, CoverFormat::WebP).unwrap()[0], b'w');
        assert_eq!(small(&photograph(400, 600), 64_000_000, 256, CoverFormat::WebP).unwrap()[0], b'j');
    }

    #[test]
    fn a_picture_of_too_many_pixels_is_never_decoded_and_what_is_none_is_none() {
        assert_eq!(small(&photograph(100, 101), 10_000, 64, CoverFormat::Jpeg), None);
        assert_eq!(small(b"<svg/>", 64_000_000, 64, CoverFormat::Jpeg), None);
        let mut bomb = photograph(10, 10);
        // The width in the header, a hundred million.
        bomb[16..20].copy_from_slice(&100_000_000_u32.to_be_bytes());
        assert_eq!(small(&bomb, 64_000_000, 64, CoverFormat::Jpeg), None);
        let whole = photograph(100, 100);
        for cut in [10, 40, whole.len() / 2] {
            assert_eq!(small(&whole[..cut], 64_000_000, 64, CoverFormat::Jpeg), None);
        }
    }

    #[test]
    fn what_is_transparent_is_white() {
        let glass = image::RgbaImage::from_pixel(4, 4, image::Rgba([0, 0, 0, 0]));
        assert!(flattened(&DynamicImage::ImageRgba8(glass)).pixels().all(|pixel| pixel.0 == [255; 3]));
    }
}
