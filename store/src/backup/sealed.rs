//! Signing keys under a passphrase: Argon2id (RFC 9106) makes a key of it, XChaCha20-Poly1305 seals.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::BackupError;
use crate::error::StoreError;
use crate::keyring::Keyring;

/// Shortest passphrase, in characters.
pub const PASSPHRASE_MIN_CHARS: usize = 8;
/// Stands before what is sealed, and is sealed along with it.
const TITLE: &[u8; 16] = b"visiobook keys 1";
/// RFC 9106's second recommended choice: 64 MiB, three passes; one lane, for it runs on one core here.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// What an archive may ask of whoever opens it.
const MEMORY_MAX_KIB: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// Title, three numbers, salt, nonce.
const HEAD_BYTES: usize = TITLE.len() + 12 + SALT_BYTES + NONCE_BYTES;

/// What keys are sealed under. Wiped when it is dropped, and never shown.
pub struct Passphrase(Zeroizing<String>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl Passphrase {
    /// A passphrase.
    ///
    /// # Errors
    /// [`BackupError::PassphraseShort`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, BackupError> {
        if text.chars().count() < PASSPHRASE_MIN_CHARS { Err(BackupError::PassphraseShort) } else { Ok(Self(text)) }
    }

    fn cipher(&self, [memory, passes, lanes]: [u32; 3], salt: &[u8]) -> Result<XChaCha20Poly1305, BackupError> {
        let failed = |detail: String| BackupError::Io { operation: "making a key of the passphrase", detail };
        let params = Params::new(memory, passes, lanes, Some(32)).map_err(|e| failed(e.to_string()))?;
        let mut key = Zeroizing::new([0; 32]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(self.0.as_bytes(), salt, key.as_mut_slice()).map_err(|e| failed(e.to_string()))?;
        XChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|e| failed(e.to_string()))
    }
}

/// The keys of a ring, sealed. Takes a fraction of a second and 64 MiB.
pub(super) fn seal(ring: &Keyring, passphrase: &Passphrase) -> Result<Vec<u8>, BackupError> {
    let random = |out: &mut [u8]| {
        getrandom::fill(out).map_err(|e| StoreError::Io { operation: "sealing the keys", detail: e.to_string() })
    };
    let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let cost = [MEMORY_KIB, PASSES, LANES];
    let numbers: Vec<u8> = cost.iter().flat_map(|number| number.to_le_bytes()).collect();
    let head = [TITLE.as_slice(), &numbers, &salt, &nonce].concat();
    let text = ring.to_text();
    let payload = Payload { msg: text.as_bytes(), aad: &head };
    let sealed = passphrase.cipher(cost, &salt)?.encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.map_err(|e| BackupError::Io { operation: "sealing the keys", detail: e.to_string() })?;
    Ok([head, sealed].concat())
}

/// The ring that was sealed.
pub(super) fn open(sealed: &[u8], passphrase: &Passphrase) -> Result<Keyring, BackupError> {
    let strange = || BackupError::damaged("its keys are not sealed as this version knows");
    let (head, body) = sealed.split_at_checked(HEAD_BYTES).ok_or_else(strange)?;
    let rest = head.strip_prefix(TITLE.as_slice()).ok_or_else(strange)?;
    let (numbers, rest) = rest.split_at(12);
    let number = |at: usize| u32::from_le_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]);
    let cost = [number(0), number(4), number(8)];
    if cost[0] > MEMORY_MAX_KIB || cost[1] > PASSES_MAX || cost[2] > LANES_MAX {
        return Err(strange());
    }
    let (salt, nonce) = rest.split_at(SALT_BYTES);
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| strange())?;
    let cipher = passphrase.cipher(cost, salt)?;
    let opened = cipher.decrypt(&XNonce::from(nonce), Payload { msg: body, aad: head });
    let text = Zeroizing::new(opened.map_err(|_| BackupError::PassphraseWrong)?);
    let text = std::str::from_utf8(&text).map_err(|_| strange())?;
    Ok(Keyring::from_text(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn keys_are_opened_by_their_passphrase_alone_and_unchanged() {
        let ring = Keyring::generate().unwrap();
        let sealed = seal(&ring, &passphrase("a lamp in the window")).unwrap();
        assert_eq!(open(&sealed, &passphrase("a lamp in the window")).unwrap().ids(), ring.ids());
        assert_eq!(open(&sealed, &passphrase("a lamp in the windows")).err(), Some(BackupError::PassphraseWrong));
        let secret = ring.to_text().lines().find(|line| !line.starts_with('#')).unwrap().to_owned();
        assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()));
        for at in [0, 16, 20, 24, 30, 50, HEAD_BYTES, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&changed, &passphrase("a lamp in the window")).is_err(), "byte {at}");
        }
        assert!(open(&sealed[..HEAD_BYTES - 1], &passphrase("a lamp in the window")).is_err());
    }

    #[test]
    fn what_can_be_guessed_is_no_passphrase() {
        assert_eq!(Passphrase::new(Zeroizing::new("1234567".into())).err(), Some(BackupError::PassphraseShort));
    }
}
