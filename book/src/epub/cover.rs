//! The picture on the front: found, and measured by its header alone. It is never decoded.

use domain::book::{Cover, Warning};
use imagesize::ImageType;

use super::package::Package;
use crate::archive::Archive;
use crate::error::BookError;
use crate::limits::Meter;
use crate::xml::{self, Node, Xml, attribute, local_name};

/// Measures the cover that the package names. One that can't be shown is a warning; one that would unpack to more
/// pixels than allowed refuses the book.
pub(super) fn read(
    archive: &mut Archive<'_>,
    package: &Package,
    meter: &Meter<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Cover>, BookError> {
    let Some(href) = &package.cover else { return Ok(None) };
    let mut bad = |why: &str| {
        warnings.push(Warning { code: "bad-cover".to_owned(), detail: format!("The cover {href} {why}.") });
        Ok(None)
    };
    if !archive.contains(href) {
        return bad("is not in the file");
    }
    let bytes = archive.unpack(href, meter)?;
    let found = match media_type(&bytes) {
        Some(media_type) => imagesize::blob_size(&bytes).ok().map(|size| (media_type, size.width, size.height)),
        None => drawing(href, &bytes, meter)?.map(|(width, height)| ("image/svg+xml", width, height)),
    };
    let Some((media_type, width, height)) = found else { return bad("is no picture that can be shown") };
    let pixels = width as u64 * height as u64;
    if pixels > meter.limits.cover_pixels {
        let limit = meter.limits.cover_pixels;
        return Err(BookError::CoverTooLarge { href: href.clone(), pixels, limit });
    }
    let (Ok(width_px), Ok(height_px)) = (u32::try_from(width), u32::try_from(height)) else {
        return bad("is no picture that can be shown");
    };
    Ok(Some(Cover { href: href.clone(), media_type: media_type.to_owned(), width_px, height_px }))
}

/// The bytes of the cover that the package names, if they are a picture of a kind that can be decoded, with no more
/// pixels than allowed by its header.
pub(crate) fn picture(bytes: &[u8], meter: &Meter<'_>) -> Result<Option<Vec<u8>>, BookError> {
    let mut archive = Archive::open(bytes, meter)?;
    let package = super::package::read(&mut archive, meter)?;
    let Some(href) = package.cover.filter(|href| archive.contains(href)) else { return Ok(None) };
    let picture = archive.unpack(&href, meter)?;
    if media_type(&picture).is_none() {
        return Ok(None);
    }
    let Ok(size) = imagesize::blob_size(&picture) else { return Ok(None) };
    let (pixels, limit) = (size.width as u64 * size.height as u64, meter.limits.cover_pixels);
    if pixels > limit {
        return Err(BookError::CoverTooLarge { href, pixels, limit });
    }
    Ok(Some(picture))
}

/// The media type of a picture that browsers show, by its first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match imagesize::image_type(bytes).ok()? {
        ImageType::Jpeg => Some("image/jpeg"),
        ImageType::Png => Some("image/png"),
        ImageType::Gif => Some("image/gif"),
        ImageType::Webp => Some("image/webp"),
        ImageType::Bmp => Some("image/bmp"),
        _ => None,
    }
}

/// The size of an SVG drawing by its root element.
fn drawing(href: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Option<(usize, usize)>, BookError> {
    if !bytes.trim_ascii_start().starts_with(b"<") && !bytes.starts_with(b"\xEF\xBB\xBF") {
        return Ok(None);
    }
    root(href, bytes, meter)
}

/// Reads a drawing as far as its root element, and its size there: what it declares comes before.
fn root(href: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Option<(usize, usize)>, BookError> {
    let document = xml::decode(href, bytes)?;
    let mut xml = Xml::new(href, &document, meter);
    loop {
        match xml.next() {
            Ok(Some((Node::Start(tag, _), _))) if local_name(&tag) == "svg" => {
                let length = |name: &str| attribute(&tag, name).and_then(|value| pixels(&value));
                let shown = attribute(&tag, "viewBox").and_then(|value| {
                    let mut numbers = value.split([' ', ',']).filter(|part| !part.is_empty()).skip(2);
                    Some((pixels(numbers.next()?)?, pixels(numbers.next()?)?))
                });
                return Ok(length("width").zip(length("height")).or(shown));
            }
            Ok(Some((Node::Start(..), _)) | None) | Err(BookError::Malformed { .. }) => return Ok(None),
            Ok(Some(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// `600`, `600px`: a length in pixels; other units say nothing of them.
fn pixels(value: &str) -> Option<usize> {
    let number: f64 = value.trim().trim_end_matches("px").parse().ok()?;
    (number >= 1.0 && number < f64::from(u32::MAX)).then_some(number as usize)
}

/// Drawings are shown by others later: one that declares entities refuses the book.
pub(super) fn check_drawings(archive: &mut Archive<'_>, package: &Package, meter: &Meter<'_>) -> Result<(), BookError> {
    for href in &package.drawings {
        if archive.contains(href) {
            let bytes = archive.unpack(href, meter)?;
            root(href, &bytes, meter)?;
        }
    }
    Ok(())
}
