//! What is kept for an account: an archive of all that it has, and its picture.

use std::io::{Cursor, Read as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::http::{Answer, get, request};
use super::people::{PASSWORD, Person, Site, book};

/// How long an archive may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The archive, once it can be downloaded.
fn ready(site: &Site, person: &Person) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let export = person.get(site, "/api/v1/account/export").json();
        if export["state"] != "running" {
            return export;
        }
        assert!(Instant::now() < until, "{export}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn link(site: &Site, person: &Person) -> Answer {
    person.ask(site, "POST", "/api/v1/account/export/link", Value::Null)
}

#[test]
fn somebody_takes_all_that_they_have_with_them_and_nobody_else_does() {
    let site = Site::start();
    let admin = site.claim();
    let (anna, ben) = (site.join("anna@example.org"), site.join("ben@example.org"));
    let project = anna.project(&site, "the export");
    assert_eq!(anna.get(&site, "/api/v1/account/export").code(), "export-not-found");
    assert_eq!(link(&site, &anna).code(), "export-not-found");
    let begun = anna.ask(&site, "POST", "/api/v1/account/export", Value::Null);
    assert_eq!((begun.status, &begun.json()["state"]), (202, &json!("running")));
    let export = ready(&site, &anna);
    assert_eq!(export["state"], "ready", "{export}");
    assert!(export["bytes"].as_u64() > Some(100) && export["kept_until_ms"].as_u64().is_some());
    let signed = link(&site, &anna);
    assert_eq!(signed.status, 201);
    let path = signed.json()["path"].as_str().unwrap().to_owned();
    let file = get(site.address(), &path);
    assert_eq!((file.status, file.header("content-type")), (200, Some("application/zip")));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"visiobook-data.zip\""));

    let mut zip = zip::ZipArchive::new(Cursor::new(file.body)).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}")).read_to_string(&mut text).unwrap();
        text
    };
    let account: Value = serde_json::from_str(&read("account.json")).unwrap();
    assert_eq!(account["email"], "anna@example.org");
    let sessions: Value = serde_json::from_str(&read("sessions.json")).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    let log = read("activity.jsonl");
    assert!(log.lines().count() >= 3 && log.contains("signed-up") && log.contains("export-asked"), "{log}");
    assert_eq!(read(&format!("projects/{project}/books/1-lamp.txt")), book("the export"));
    let view: Value = serde_json::from_str(&read(&format!("projects/{project}/project.json"))).unwrap();
    assert_eq!(view["id"], project.as_str());
    read(&format!("projects/{project}/runs.json"));
    read(&format!("projects/{project}/activity.jsonl"));
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert!(names.iter().all(|name| !name.contains("..") && !name.starts_with('/')), "{names:?}");
    let mut whole = String::new();
    for at in 0..zip.len() {
        let _ = zip.by_index(at).unwrap().read_to_string(&mut whole);
    }
    let token = anna.cookie.split_once('=').unwrap().1;
    for secret in [token, PASSWORD, "argon2", "secret", "ben@example.org"] {
        assert!(!whole.contains(secret), "{secret}");
    }

    // Nobody else's, and it is written down.
    assert_eq!(link(&site, &ben).code(), "export-not-found");
    assert_eq!(ben.get(&site, "/api/v1/account/export").code(), "export-not-found");
    let entry = admin.get(&site, "/api/v1/audit?limit=1").json()["entries"][0].clone();
    assert_eq!((&entry["what"], &entry["of"]), (&json!("data-exported"), &anna.account["id"]));
    // It outlives a power cut, a newer one takes its place, and it goes with the account.
    let site = site.again();
    assert_eq!(get(site.address(), &path).status, 200);
    assert_eq!(anna.ask(&site, "POST", "/api/v1/account/export", Value::Null).status, 202);
    assert_eq!(ready(&site, &anna)["state"], "ready");
    assert_eq!(get(site.address(), &path).code(), "project-not-found", "the one before has no address any more");
    let path = link(&site, &anna).json()["path"].as_str().unwrap().to_owned();
    let leave = json!({ "email": "anna@example.org", "password": PASSWORD });
    assert_eq!(anna.ask(&site, "POST", "/api/v1/account/deletion", leave).status, 200);
    assert_eq!(get(site.address(), &path).code(), "project-not-found");
}

fn drawn(format: image::ImageFormat) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(400, 300, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

#[test]
fn a_picture_is_drawn_anew_and_nothing_else_is_ever_served() {
    let site = Site::start();
    site.claim();
    let (anna, ben) = (site.join("anna@example.org"), site.join("ben@example.org"));
    const PATH: &str = "/api/v1/account/avatar";
    let put = |bytes: &[u8]| request(site.address(), "PUT", PATH, &anna.headers(), bytes);
    assert_eq!(anna.get(&site, PATH).code(), "avatar-not-found");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for bad in [&svg[..], b"<!doctype html><script>alert(1)</script>", b"", &drawn(image::ImageFormat::Gif)] {
        let refused = put(bad);
        assert_eq!((refused.status, refused.code()), (422, "avatar-unreadable".into()));
    }
    assert_eq!(put(&vec![0; (2 << 20) + 1]).code(), "too-large");
    assert_eq!(anna.get(&site, PATH).code(), "avatar-not-found", "nothing of it stayed");
    // A picture that is a page too.
    let mut both = drawn(image::ImageFormat::Png);
    both.extend_from_slice(b"<script>alert(1)</script>");
    for format in [image::ImageFormat::Jpeg, image::ImageFormat::WebP] {
        assert_eq!(put(&drawn(format)).status, 204);
    }
    assert_eq!(put(&both).status, 204);
    let shown = anna.get(&site, PATH);
    assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(shown.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert_eq!(shown.header("cache-control"), Some("private, no-cache"));
    assert!(!shown.body.windows(7).any(|window| window == b"<script"));
    let picture = image::load_from_memory(&shown.body).unwrap();
    assert_eq!((picture.width(), picture.height()), (256, 256));
    let tag = [("cookie", anna.cookie.as_str()), ("if-none-match", shown.header("etag").unwrap())];
    assert_eq!(site.ask("GET", PATH, &tag, &Value::Null).status, 304);
    assert_eq!(ben.get(&site, PATH).code(), "avatar-not-found", "it is hers");
    assert_eq!(site.ask("GET", PATH, &[], &Value::Null).status, 401);
    assert_eq!(anna.ask(&site, "DELETE", PATH, Value::Null).status, 204);
    assert_eq!(anna.ask(&site, "DELETE", PATH, Value::Null).status, 204);
    assert_eq!(anna.get(&site, PATH).code(), "avatar-not-found");
}
