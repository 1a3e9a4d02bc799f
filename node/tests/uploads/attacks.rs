//! Uploads that are not what they say.

use std::io::{Cursor, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::Digest;
use zip::write::SimpleFileOptions;

use super::common::http::{get, request};
use super::common::{Server, files_below, until, visiobook};
use super::{announced, begin, break_off, make_project, offset, patterned, send, stands_at, try_begin};

#[test]
fn a_name_keeps_nothing_of_a_path() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    for (said, kept) in
        [("../../../etc/passwd", "passwd"), ("C:\\books\\a b.epub", "a b.epub"), ("/x/\u{7}y.txt", "y.txt")]
    {
        let upload = begin(&server.address, said, 10, "");
        assert_eq!(get(&server.address, &upload).json()["name"], kept);
    }
    for wrong in ["", "..", "a/", &"x".repeat(300)] {
        let refused = try_begin(&server.address, wrong, 10, "");
        assert_eq!((refused.status, refused.code().as_str()), (400, "upload-without-name"), "{wrong:?}");
    }
    for path in ["/api/v1/uploads/..%2f..%2fkeys", "/api/v1/uploads/../../keys", "/api/v1/uploads/keys"] {
        assert_eq!(get(&server.address, path).status, 404, "{path}");
    }
}

#[test]
fn a_part_that_is_not_what_its_checksum_says_is_not_taken() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let file = patterned(9 << 20);
    let upload = begin(&server.address, "a.bin", file.len(), "");
    let checksum = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(Digest::of(bytes).0));
    let wrong = send(&server.address, &upload, 0, &file, &[("upload-checksum", &checksum(b"else"))]);
    assert_eq!((wrong.status, wrong.code().as_str()), (460, "checksum-mismatch"));
    assert_eq!(offset(&server.address, &upload), 0);
    assert!(files_below(&data.path().join("blobs")).is_empty(), "no chunk of it is kept");
    let unknown = send(&server.address, &upload, 0, &file, &[("upload-checksum", "md5 YQ==")]);
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "bad-request"));
    let right = send(&server.address, &upload, 0, &file, &[("upload-checksum", &checksum(&file))]);
    assert_eq!(right.status, 204, "{right:?}");
    assert_eq!(get(&server.address, &upload).json()["digest"], Digest::of(&file).to_string());
}

#[test]
fn a_file_that_is_not_what_was_announced_is_never_published() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    for len in [100, 9 << 20] {
        let file = patterned(len);
        let upload = begin(&server.address, "a.bin", len, &announced(b"another file"));
        let wrong = send(&server.address, &upload, 0, &file, &[]);
        assert_eq!((wrong.status, wrong.code().as_str()), (422, "upload-digest-mismatch"));
        assert_eq!(get(&server.address, &upload).status, 404);
        assert!(files_below(&data.path().join("blobs")).is_empty());
    }
}

#[test]
fn more_bytes_than_were_announced_are_refused_however_they_come() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__GATEWAY__UPLOAD_LIMIT_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let huge = try_begin(&server.address, "a.bin", (1 << 20) + 1, "");
    assert_eq!((huge.status, huge.code().as_str()), (413, "too-large"));
    let upload = begin(&server.address, "a.bin", 10, "");
    let said = send(&server.address, &upload, 0, b"eleven byte", &[]);
    assert_eq!((said.status, said.code().as_str()), (413, "upload-too-long"));

    // A length that is not said at all, and one that promises more than comes.
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: {}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\nconnection: close\r\n\
         content-type: application/offset+octet-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"5\r\nabcde\r\n8\r\nfghijklm\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(offset(&server.address, &upload), 0);
    assert!(files_below(&data.path().join("blobs")).is_empty());
    break_off(&server.address, &upload, 0, 10, b"abc");
    stands_at(&server.address, &upload, 3);
    assert_eq!(send(&server.address, &upload, 3, b"defghij", &[]).status, 204);
    let past = send(&server.address, &upload, 10, b"k", &[]);
    assert_eq!((past.status, past.code().as_str()), (413, "upload-too-long"));
}

#[test]
fn a_book_in_one_piece_that_lies_about_its_length_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__GATEWAY__UPLOAD_LIMIT_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let said = |length: &str, body: &[u8], closes: bool| {
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "POST /api/v1/projects?name=lamp.txt HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{length}\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body);
        if closes {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let large = said("content-length: 1048577", b"", false);
    assert!(large.starts_with("HTTP/1.1 413"), "told before a byte of it is read: {large}");
    let mut chunked = format!("{:x}\r\n", (1 << 20) + 1).into_bytes();
    chunked.extend(patterned((1 << 20) + 1));
    chunked.extend(b"\r\n0\r\n\r\n");
    let large = said("transfer-encoding: chunked", &chunked, false);
    assert!(large.starts_with("HTTP/1.1 413"), "not told, and found out: {large}");
    let short = said("content-length: 5000", b"Chapter One\n\nThe lamp", true);
    assert!(short.is_empty() || short.starts_with("HTTP/1.1 400"), "{short}");
    let both = said("content-length: 3\r\ntransfer-encoding: chunked\r\ncontent-length: 4", b"abc", true);
    assert!(!both.starts_with("HTTP/1.1 20"), "{both}");
    // The server learns of a broken connection in its own time.
    until("nothing of it stays", || files_below(&data.path().join("blobs")).is_empty());
    assert_eq!(get(&server.address, "/api/v1/projects").json()["total"], 0);
}

#[test]
fn a_zip_bomb_is_refused_as_a_book_and_leaves_nothing() {
    refused_as_a_book(&zip_bomb(), "book-zip-bomb");
}

#[test]
fn a_pixel_bomb_is_refused_as_a_book_and_leaves_nothing() {
    refused_as_a_book(&pixel_bomb(), "book-cover-too-large");
}

fn refused_as_a_book(book: &[u8], code: &str) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let upload = begin(&server.address, "bomb.epub", book.len(), &announced(book));
    assert_eq!(send(&server.address, &upload, 0, book, &[]).status, 204);
    let in_one_piece = request(&server.address, "POST", "/api/v1/projects?name=bomb.epub", &[], book);
    for refused in [make_project(&server.address, &upload), in_one_piece] {
        assert_eq!((refused.status, refused.code().as_str()), (422, code));
    }
    assert_eq!(get(&server.address, &upload).status, 404);
    let blobs = files_below(&data.path().join("blobs"));
    assert!(blobs.is_empty(), "left behind: {blobs:?}");
    assert_eq!(get(&server.address, "/api/v1/projects").json()["total"], 0);
}

#[test]
fn what_is_not_of_the_protocol_is_told_why() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let options = request(address, "OPTIONS", "/api/v1/uploads", &[], &[]);
    let said =
        ["tus-version", "tus-extension", "tus-checksum-algorithm", "tus-max-size"].map(|name| options.header(name));
    let extensions = "creation,checksum,expiration,termination";
    assert_eq!(said, [Some("1.0.0"), Some(extensions), Some("sha256"), Some("104857600")]);
    let upload = begin(address, "a.bin", 10, "");
    let code = |headers: &[(&str, &str)], path: &str| {
        let answer = request(address, "PATCH", path, headers, b"abc");
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "on errors too");
        (answer.status, answer.code())
    };
    let (tus, part) = (("tus-resumable", "1.0.0"), ("content-type", "application/offset+octet-stream"));
    let at = |offset: &'static str| ("upload-offset", offset);
    let because = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(code(&[part, at("0")], &upload), because(412, "tus-version"));
    assert_eq!(code(&[("tus-resumable", "0.2.2"), part, at("0")], &upload), because(412, "tus-version"));
    assert_eq!(code(&[tus, at("0")], &upload), because(415, "unsupported-media-type"));
    assert_eq!(code(&[tus, part], &upload), because(400, "bad-request"));
    assert_eq!(code(&[tus, part, at("4")], &upload), because(409, "upload-offset-mismatch"));
    let nowhere = "/api/v1/uploads/00000000-0000-4000-8000-000000000000";
    assert_eq!(code(&[tus, part, at("0")], nowhere), because(404, "upload-not-found"));
    let deferred = [tus, ("upload-defer-length", "1"), ("upload-metadata", "filename YQ==")];
    assert_eq!(request(address, "POST", "/api/v1/uploads", &deferred, &[]).status, 400);
    let meant = [tus, part, at("0"), ("x-http-method-override", "PATCH")];
    assert_eq!(request(address, "POST", &upload, &meant, b"abc").status, 204);
    assert_eq!(offset(address, &upload), 3);
    assert_eq!(request(address, "DELETE", &upload, &[tus], &[]).status, 204);
    assert_eq!(get(address, &upload).status, 404);
    assert!(files_below(&data.path().join("blobs")).is_empty());
}

/// An EPUB whose one page unpacks to a gigabyte.
fn zip_bomb() -> Vec<u8> {
    let spaces = vec![b' '; 1 << 20];
    epub(|zip| {
        zip.start_file("page.xhtml", SimpleFileOptions::default()).unwrap();
        (0..1_024).for_each(|_| zip.write_all(&spaces).unwrap());
    })
}

/// An EPUB whose cover says that it has ten thousand million pixels.
fn pixel_bomb() -> Vec<u8> {
    let prose = "<p>The ferry left at nine, and nobody had told the girl where it was going.</p>".repeat(30);
    let page = format!("<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>One</h1>{prose}</body></html>");
    let mut cover = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    cover.extend(100_000_u32.to_be_bytes().repeat(2));
    cover.extend(b"\x08\x02\0\0\0\0\0\0\0");
    let container = "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container' version='1.0'><rootfiles>\
        <rootfile full-path='book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>";
    let package = "<package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='id'>\
        <metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>T</dc:title><dc:language>en</dc:language>\
        <dc:identifier id='id'>x</dc:identifier></metadata><manifest>\
        <item id='c' href='cover.png' media-type='image/png' properties='cover-image'/>\
        <item id='p' href='page.xhtml' media-type='application/xhtml+xml'/></manifest>\
        <spine><itemref idref='p'/></spine></package>";
    epub(|zip| {
        for (name, bytes) in [
            ("META-INF/container.xml", container.as_bytes()),
            ("book.opf", package.as_bytes()),
            ("page.xhtml", page.as_bytes()),
            ("cover.png", &cover),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
    })
}

fn epub(fill: impl FnOnce(&mut zip::ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(b"application/epub+zip").unwrap();
    fill(&mut zip);
    zip.finish().unwrap().into_inner()
}
