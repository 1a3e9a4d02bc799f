//! Somebody's picture: decoded in bounds, and written anew, so that nothing of the file that was sent is served.

use std::io::Cursor;
use std::sync::Arc;

use cluster::body::exports::{AvatarReply, GetAvatar, PutAvatar, RemoveAvatar};
use cluster::body::{Fault, MAX_INLINE_BYTES};
use domain::account::AccountAct;
use domain::belongings::{AVATAR_EDGE_PX, AVATAR_MAX_BYTES};
use domain::id::Digest;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::rows::{change, read};
use super::{Result, ended, signed, unconfirmed};
use crate::keeping::covers::flattened;
use crate::run::{Halt, RunContext, heavy, permit};
use crate::store_fault;

/// Most pixels that are decoded.
const PIXELS_MAX: u64 = 25_000_000;
/// Memory that decoding may take for one pixel, and some more.
const BYTES_PER_PIXEL: u64 = 8;
/// Of 100.
const QUALITY: u8 = 88;

fn halted(halt: Halt) -> Fault {
    match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    }
}

fn unreadable() -> Fault {
    let detail = format!("a picture is a PNG, JPEG or WebP file of at most 2 MiB and {PIXELS_MAX} pixels");
    Fault::new("avatar-unreadable", detail)
}

/// Makes a file that was just stored the picture of the asker's account. The file itself goes, whatever it is.
///
/// # Errors
/// `avatar-unreadable`, `address-unconfirmed`.
pub async fn put(context: &Arc<RunContext>, ask: &PutAvatar) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let row = read(context, signed.account).await?.ok_or_else(ended)?;
    let sent = context.blobs.get(row.scope(), ask.sent, AVATAR_MAX_BYTES).await;
    let made = match sent {
        Ok(sent) => {
            let permit = permit(context).await.map_err(halted)?;
            heavy(permit, move || square(&sent)).await.map_err(halted)
        }
        Err(error) => Err(store_fault(&error)),
    };
    if row.avatar != Some(ask.sent)
        && let Err(error) = context.blobs.delete(row.scope(), ask.sent).await
    {
        tracing::debug!(%error, "a picture that was sent is swept later");
    }
    let made = made?.ok_or_else(unreadable)?;
    let kept = context.blobs.put_bytes(row.scope(), made.into()).await.map_err(|e| store_fault(&e))?;
    let changed = change(context, signed.account, &ask.visitor.address, |now| {
        if !now.confirmed {
            return Err(unconfirmed());
        }
        let before = now.avatar.replace(kept.digest);
        Ok(Some(AccountAct::Changed).filter(|_| before != Some(kept.digest)))
    });
    changed.await?;
    forget(context, &row, Some(kept.digest)).await;
    Ok(())
}

/// Removes the bytes of an earlier picture; what can't be removed now is swept later.
async fn forget(context: &RunContext, before: &store::rows::AccountRow, now: Option<Digest>) {
    if let Some(digest) = before.avatar.filter(|digest| Some(*digest) != now)
        && let Err(error) = context.blobs.delete(before.scope(), digest).await
    {
        tracing::debug!(%error, "an earlier picture is swept later");
    }
}

/// The picture of the asker's account.
///
/// # Errors
/// `avatar-not-found`.
pub async fn get(context: &RunContext, ask: &GetAvatar) -> Result<AvatarReply> {
    let none = || Fault::new("avatar-not-found", "the account has no picture");
    let row = read(context, signed(&ask.principal)?.account).await?.ok_or_else(ended)?;
    let digest = row.avatar.ok_or_else(none)?;
    let bytes = context.blobs.get(row.scope(), digest, MAX_INLINE_BYTES as u64).await.map_err(|e| store_fault(&e))?;
    Ok(AvatarReply { digest, bytes: bytes.to_vec() })
}

/// Removes the picture of the asker's account; there need not be one.
///
/// # Errors
/// What the store says.
pub async fn remove(context: &RunContext, ask: &RemoveAvatar) -> Result<()> {
    let account = signed(&ask.principal)?.account;
    let row = read(context, account).await?.ok_or_else(ended)?;
    let removed =
        change(context, account, &ask.visitor.address, |now| Ok(now.avatar.take().map(|_| AccountAct::Changed)));
    removed.await?;
    forget(context, &row, None).await;
    Ok(())
}

/// A picture cut to its middle square, made small and written anew; `None` for what is none, or has too many pixels.
fn square(sent: &[u8]) -> Option<Vec<u8>> {
    let picture = decoded(sent)?;
    let small = picture.resize_to_fill(AVATAR_EDGE_PX, AVATAR_EDGE_PX, FilterType::CatmullRom);
    let mut out = Vec::new();
    let flat = flattened(&small);
    JpegEncoder::new_with_quality(&mut out, QUALITY).encode_image(&flat).ok()?;
    (out.len() <= MAX_INLINE_BYTES).then_some(out)
}

fn decoded(sent: &[u8]) -> Option<DynamicImage> {
    let reader = || ImageReader::new(Cursor::new(sent)).with_guessed_format().ok();
    if !matches!(reader()?.format()?, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return None;
    }
    // The header alone: what says that it is larger is not decoded.
    let (width, height) = reader()?.into_dimensions().ok()?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS_MAX {
        return None;
    }
    let mut limits = Limits::no_limits();
    (limits.max_image_width, limits.max_image_height) = (Some(width), Some(height));
    limits.max_alloc = Some(pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(16 << 20));
    let mut reader = reader()?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().ok()?;
    decoder.set_limits(limits).ok()?;
    // Phones keep their pictures lying, and say so.
    let orientation = decoder.orientation().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    Some(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_picture_becomes_a_small_square_whatever_it_was() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            for (width, height) in [(600, 400), (3, 900), (256, 256)] {
                let made = square(&drawn(width, height, format)).unwrap();
                assert!(made.starts_with(b"\xff\xd8\xff"), "{format:?}");
                let shown = image::load_from_memory(&made).unwrap();
                assert_eq!((shown.width(), shown.height()), (256, 256));
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_a_bomb_is_none() {
        assert_eq!(square(b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"), None);
        assert_eq!(square(b"<?xml version=\"1.0\"?><svg/>"), None);
        assert_eq!(square(&drawn(10, 10, ImageFormat::Gif)), None, "no other format");
        assert_eq!(square(b""), None);
        let mut bomb = drawn(10, 10, ImageFormat::Png);
        bomb[16..20].copy_from_slice(&100_000_000_u32.to_be_bytes());
        assert_eq!(square(&bomb), None);
        let whole = drawn(100, 100, ImageFormat::Png);
        for cut in [10, 40, whole.len() / 2] {
            assert_eq!(square(&whole[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn nothing_of_the_file_is_kept_beside_the_picture() {
        let mut sent = drawn(300, 300, ImageFormat::Png);
        sent.extend_from_slice(b"<script>alert(1)</script>");
        let made = square(&sent).unwrap();
        assert!(!made.windows(7).any(|window| window == b"<script"));
    }
}
