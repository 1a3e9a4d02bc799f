//! Covers of books, made small, as browsers and programs ask for them.

use std::io::Write as _;

use super::common::http::{Answer, get, request, upload};
use super::common::{ENGLISH, Server};
use super::put_in;

const CONTAINER: &str = r#"<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;
const PACKAGE: &str = r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier><dc:title>A book</dc:title><dc:language>en</dc:language></metadata><manifest><item id="c" href="cover.png" media-type="image/png" properties="cover-image"/><item id="p" href="page.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="p"/></spine></package>"#;

/// An EPUB with this picture on its front.
fn book(picture: &[u8]) -> Vec<u8> {
    let sentence = "The lamplighter counted the windows of the street twice, and found one more than the day before. ";
    let page = format!(
        r#"<html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head><body><h1>One</h1><p>{}</p></body></html>"#,
        sentence.repeat(20)
    );
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let parts = [
        ("mimetype", b"application/epub+zip".as_slice()),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("book.opf", PACKAGE.as_bytes()),
        ("page.xhtml", page.as_bytes()),
        ("cover.png", picture),
    ];
    for (name, content) in parts {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A PNG that a drawing program could have made.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x ^ y) % 64) as u8])
    });
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

fn cover(address: &str, project: &str, size: &str, accept: &str) -> Answer {
    let path = format!("/api/v1/projects/{project}/cover?size={size}");
    request(address, "GET", &path, &[("accept", accept)], &[])
}

#[test]
fn a_cover_comes_small_in_the_best_format_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let made = upload(address, "a.epub", &book(&picture(900, 1_800)));
    assert_eq!(made.status, 201, "{made:?}");
    let project = made.json()["id"].as_str().unwrap().to_owned();
    let browser = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    for (accept, kind) in [(browser, "image/avif"), ("*/*", "image/jpeg"), ("image/jpeg", "image/jpeg")] {
        for (size, height) in [("small", 128), ("medium", 256), ("large", 512)] {
            let began = std::time::Instant::now();
            let answer = cover(address, &project, size, accept);
            println!("{kind} {size}: {} bytes in {} ms", answer.body.len(), began.elapsed().as_millis());
            assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{answer:?}");
            assert_eq!(answer.header("vary"), Some("accept"));
            assert!(answer.body.len() < 100_000, "{} bytes", answer.body.len());
            if kind == "image/jpeg" {
                let shown = image::load_from_memory(&answer.body).unwrap();
                assert_eq!((shown.width(), shown.height()), (height / 2, height));
            } else {
                assert_eq!(&answer.body[4..12], b"ftypavif");
            }
            let again = cover(address, &project, size, accept);
            assert_eq!(again.body, answer.body);
            let path = format!("/api/v1/projects/{project}/cover?size={size}");
            let known = [("accept", accept), ("if-none-match", answer.header("etag").unwrap())];
            assert_eq!(request(address, "GET", &path, &known, &[]).status, 304);
        }
    }
    assert_eq!(cover(address, &project, "huge", "*/*").code(), "bad-request");
    let odd = cover(address, &project, "small", "text/html");
    assert_eq!((odd.status, odd.code().as_str()), (406, "not-acceptable"));
    assert_eq!(get(address, &format!("/api/v1/projects/{project}/cover")).header("content-type"), Some("image/jpeg"));
}

#[test]
fn a_book_without_a_cover_says_so_and_a_bomb_never_becomes_a_project() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let plain = "The lamp was out. Nobody had counted the windows of the street for a year and a day. ".repeat(30);
    let made = upload(address, "a.txt", plain.as_bytes()).json();
    let none = cover(address, made["id"].as_str().unwrap(), "small", "*/*");
    assert_eq!((none.status, none.code().as_str()), (404, "cover-not-found"));
    // What says that it is a picture and is none.
    let broken = upload(address, "b.epub", &book(&picture(300, 300)[..200])).json();
    let none = cover(address, broken["id"].as_str().unwrap(), "small", "*/*");
    assert_eq!((none.status, none.code().as_str()), (404, "cover-not-found"));
    let mut bomb = picture(10, 10);
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    let refused = upload(address, "c.epub", &book(&bomb));
    assert_eq!((refused.status, refused.code().as_str()), (422, "book-cover-too-large"));
    let project = put_in(address, ENGLISH);
    let status = cover(address, &project, "small", "*/*").status;
    assert!([200, 404].contains(&status), "{status}");
}
