use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

const FIRST: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SECOND: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn ring(text: &str) -> Keyring {
    Keyring::from_text(text).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn signatures_are_what_hkdf_and_hmac_say() {
    // Golden, from Python's `hmac` and RFC 5869 spelt out in it: a change would break every signed address.
    let signed = |purpose| ring(FIRST).sign(purpose, b"a book").to_string();
    assert_eq!(Purpose::ALL.map(signed), GOLDEN);
}

const GOLDEN: [&str; 5] = [
    "7888f262.410a20280ccf2202382d4fa9d6f4e0da5726bc6cdf3544705cd1678f416e7251",
    "7888f262.e61689e07ab81acc9f771eee5a2c67c606c8537c45e501e85445f62b4ca26cbf",
    "7888f262.ae6f0bb00bbab0b4c4e640ceb70df49594b3703ab2209db9a1139565464fe525",
    "7888f262.9f23074bb45785c92beb7da1ec99e63146dc5d592fa77ec280b4be5a5e2ea8cc",
    "7888f262.740f86ae9bb0a8a1467ef871647718ba029440abd71226da558a81a13b3a6aac",
];

#[test]
fn what_was_signed_for_one_purpose_is_worth_nothing_for_another() {
    let ring = ring(FIRST);
    for made_for in Purpose::ALL {
        let signed = ring.sign(made_for, b"a book");
        for purpose in Purpose::ALL {
            assert_eq!(ring.verify(purpose, b"a book", &signed), purpose == made_for);
        }
    }
}

#[test]
fn another_ring_verifies_nothing_even_under_the_same_key_id() {
    let signed = ring(FIRST).sign(Purpose::Url, b"a book");
    let other = ring(SECOND);
    assert!(!other.verify(Purpose::Url, b"a book", &signed));
    let disguised = Signed { key_id: other.ids()[0], ..signed };
    assert!(!other.verify(Purpose::Url, b"a book", &disguised));
}

#[test]
fn after_a_rotation_the_newest_key_signs_and_older_ones_verify_until_they_are_dropped() {
    let (_folder, path) = place();
    let old = Keyring::open(&path).unwrap();
    let before = old.sign(Purpose::Cursor, b"page 2");
    let rotated = Keyring::rotate(&path).unwrap();
    assert_eq!(rotated.ids()[1..], old.ids()[..]);
    let after = rotated.sign(Purpose::Cursor, b"page 2");
    assert_eq!(after.key_id, rotated.ids()[0]);
    let reopened = Keyring::open(&path).unwrap();
    assert_eq!(reopened.ids(), rotated.ids());
    for signed in [before, after] {
        assert!(reopened.verify(Purpose::Cursor, b"page 2", &signed));
    }
    assert!(!old.verify(Purpose::Cursor, b"page 2", &after));
    let dropped = Keyring::drop_old(&path, 1).unwrap();
    assert!(dropped.verify(Purpose::Cursor, b"page 2", &after));
    assert!(!dropped.verify(Purpose::Cursor, b"page 2", &before));
    assert_eq!(Keyring::drop_old(&path, 0).unwrap().ids(), dropped.ids(), "one key stays");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_ring_holds_only_so_many_keys_however_often_it_is_rotated() {
    let (_folder, path) = place();
    for _ in 0..KEYS_MAX + 3 {
        Keyring::rotate(&path).unwrap();
    }
    assert_eq!(Keyring::open(&path).unwrap().ids().len(), KEYS_MAX);
}

#[test]
fn a_new_file_is_its_owners_only_and_is_found_again() {
    let (folder, path) = place();
    let made = Keyring::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Keyring::open(&path).unwrap().ids(), made.ids());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    let elsewhere = Keyring::open(&folder.path().join("other")).unwrap();
    assert_ne!(elsewhere.ids(), made.ids(), "keys are drawn, not fixed");
}

#[test]
fn a_file_that_others_can_reach_is_refused_with_its_mode() {
    let (_folder, path) = place();
    Keyring::open(&path).unwrap();
    for open in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let refused = Keyring::open(&path).unwrap_err();
        assert_eq!(refused, StoreError::KeysExposed { path: path.clone(), mode: open });
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    Keyring::open(&path).expect("its owner may forbid himself to write it");
}

#[test]
fn what_a_crash_left_beside_the_file_is_replaced_and_not_written_into() {
    let (_folder, path) = place();
    let beside = path.with_extension("new");
    fs::write(&beside, "half a ke").unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o666)).unwrap();
    let made = Keyring::open(&path).unwrap();
    assert_eq!((mode(&path), beside.exists()), (0o600, false));
    assert_eq!(Keyring::open(&path).unwrap().ids(), made.ids());
}

#[test]
fn neither_links_nor_folders_nor_garbage_are_taken_for_keys() {
    let (folder, path) = place();
    let target = folder.path().join("target");
    Keyring::open(&target).unwrap();
    symlink(&target, &path).unwrap();
    let malformed = |path: &Path| {
        let error = Keyring::open(path).unwrap_err();
        assert_eq!(error.code(), "store-keys-malformed", "{error}");
    };
    malformed(&path);
    malformed(folder.path());
    let garbage = folder.path().join("garbage");
    for bytes in [b"".as_slice(), b"\xff\xfe", b"# only a comment", b"0011", &[b'0'; 70_000]] {
        fs::write(&garbage, bytes).unwrap();
        fs::set_permissions(&garbage, fs::Permissions::from_mode(0o600)).unwrap();
        malformed(&garbage);
        assert_eq!(fs::read(&garbage).unwrap(), bytes, "it is left alone");
    }
}

#[test]
fn the_environment_can_hold_keys_in_one_line() {
    let ring = ring(&format!(" {FIRST},{SECOND} "));
    assert_eq!(ring.ids(), [self::ring(FIRST).ids(), self::ring(SECOND).ids()].concat());
    for wrong in [
        String::new(),
        FIRST.to_uppercase(),
        FIRST[2..].to_owned(),
        format!("{FIRST} {FIRST}"),
        format!("{FIRST} {}", "é".repeat(32)),
    ] {
        assert_eq!(Keyring::from_text(&wrong).unwrap_err().code(), "store-keys-malformed", "{wrong}");
    }
}

#[test]
fn neither_errors_nor_debug_output_tell_a_secret() {
    let error = Keyring::from_text(&format!("{FIRST} {}", &SECOND[..60])).unwrap_err().to_string();
    let debug = format!("{:?}", ring(FIRST));
    for text in [error, debug] {
        assert!(!text.contains(&FIRST[..8]) && !text.contains(&SECOND[..8]), "{text}");
    }
}

proptest! {
    #[test]
    fn a_signature_survives_its_text_and_verifies(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let ring = ring(FIRST);
        let text = ring.sign(Purpose::Webhook, &bytes).to_string();
        let signed: Signed = text.parse().unwrap();
        prop_assert!(ring.verify(Purpose::Webhook, &bytes, &signed));
        prop_assert_eq!(signed.to_string(), text);
    }

    #[test]
    fn no_changed_character_of_a_signature_passes(at in 0..73_usize, with in "[0-9a-zA-Z.]") {
        let ring = ring(FIRST);
        let mut text = ring.sign(Purpose::Url, b"a book").to_string();
        prop_assume!(text[at..=at] != with);
        text.replace_range(at..=at, &with);
        let passed = text.parse().is_ok_and(|signed| ring.verify(Purpose::Url, b"a book", &signed));
        prop_assert!(!passed, "{}", text);
    }

    #[test]
    fn a_changed_message_does_not_verify(bytes in proptest::collection::vec(any::<u8>(), 1..50), at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let ring = ring(FIRST);
        let signed = ring.sign(Purpose::Url, &bytes);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(!ring.verify(Purpose::Url, &changed, &signed));
        prop_assert!(!ring.verify(Purpose::Url, &[bytes.as_slice(), b"\0"].concat(), &signed));
    }
}
