//! The keys that signatures are made with: of cursors, of addresses that expire, of webhooks; and that small secrets
//! are sealed under.
//!
//! A keyring holds a few secrets of 32 bytes, the newest first. The newest one signs; all of them verify,
//! so that a rotation breaks nothing that was signed before it, until the old key is dropped. A signature
//! names its key by an id that is derived from the secret, and is an HMAC-SHA-256 (RFC 2104) under a key
//! that HKDF (RFC 5869) derives for one [`Purpose`]: what was signed for one is worth nothing for another.
//!
//! Whoever signs writes down unambiguously what the signature says: who may, what, until when. The ring
//! knows no clock and no meaning. Only core nodes have one.
//!
//! | module | holds |
//! |---|---|
//! | `file` | the file of the keys: made and replaced whole, for its owner only |
//! | `sealing` | small secrets that the node has to read again |

mod file;
mod sealing;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::StoreError;

/// Bytes of a secret, and of a signature's MAC.
const KEY_BYTES: usize = 32;
/// Keys of one ring. Each is a rotation that something signed may have outlived.
pub const KEYS_MAX: usize = 8;
/// Separates what is derived here from whatever else a secret was ever used for.
const SALT: &[u8] = b"visiobook keyring v1";

/// What a signature is for. Each has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Where a list goes on.
    Cursor,
    /// An address that may be followed for a while.
    Url,
    /// A message to somebody else's server.
    Webhook,
    /// What an account's authenticator app was told.
    SecondFactor,
    /// A share link that was opened.
    Visit,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [Self::Cursor, Self::Url, Self::Webhook, Self::SecondFactor, Self::Visit];

    /// Goes into the derivation: never changes.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Cursor => b"cursor",
            Self::Url => b"url",
            Self::Webhook => b"webhook",
            Self::SecondFactor => b"second factor",
            Self::Visit => b"visit",
        }
    }
}

/// A secret that is wiped when it is dropped.
pub type Secret = Zeroizing<[u8; KEY_BYTES]>;

/// Names a key without telling anything of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A signature. As text: the key's id, a point, the MAC in hexadecimal; 73 characters that an address takes
/// as they are.
///
/// There is no `==` for it: a comparison that ends at the first difference tells whoever guesses how far
/// they are. [`Keyring::verify`] compares in constant time.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// The key that made it.
    pub key_id: KeyId,
    /// What it made.
    pub mac: [u8; KEY_BYTES],
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.key_id)?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signature")]
pub struct ParseSignedError;

impl FromStr for Signed {
    type Err = ParseSignedError;

    /// Takes the one way that [`Signed`] is written in, and no other: a signed text has no second spelling.
    fn from_str(text: &str) -> Result<Self, ParseSignedError> {
        let (id, mac) = text.split_once('.').ok_or(ParseSignedError)?;
        let id = unhex::<4>(id).ok_or(ParseSignedError)?;
        let mac = unhex::<KEY_BYTES>(mac).ok_or(ParseSignedError)?;
        Ok(Self { key_id: KeyId(u32::from_be_bytes(*id)), mac: *mac })
    }
}

/// One secret, and what is derived from it. All of it is wiped when it is dropped.
struct Key {
    id: KeyId,
    secret: Zeroizing<[u8; KEY_BYTES]>,
    derived: [Zeroizing<[u8; KEY_BYTES]>; Purpose::ALL.len()],
}

impl Key {
    fn new(secret: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, StoreError> {
        let hkdf = Hkdf::<Sha256>::new(Some(SALT), secret.as_slice());
        let expand = |label: &[u8]| {
            let mut out = Zeroizing::new([0; KEY_BYTES]);
            hkdf.expand(label, out.as_mut_slice()).map_err(|e| malformed(e.to_string())).map(|()| out)
        };
        let id = expand(b"id")?;
        let [a, b, c, d, ..] = *id;
        let derive = |purpose: Purpose| expand(purpose.label());
        let [cursor, url, webhook, second, visit] = Purpose::ALL.map(derive);
        let derived = [cursor?, url?, webhook?, second?, visit?];
        Ok(Self { id: KeyId(u32::from_be_bytes([a, b, c, d])), secret, derived })
    }

    fn generate() -> Result<Self, StoreError> {
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(secret.as_mut_slice())
            .map_err(|e| StoreError::Io { operation: "making a signing key", detail: e.to_string() })?;
        Self::new(secret)
    }

    fn mac(&self, purpose: Purpose, bytes: &[u8]) -> [u8; KEY_BYTES] {
        mac(&self.derived[purpose as usize], bytes)
    }
}

/// HMAC-SHA-256 of some bytes under a secret.
pub fn mac(secret: &Secret, bytes: &[u8]) -> [u8; KEY_BYTES] {
    // An HMAC takes a key of any length: this never fails, and an empty one would verify nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_slice()) else { return [0; KEY_BYTES] };
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// The keys of a store. [`Debug`](fmt::Debug) tells their ids only.
pub struct Keyring {
    /// The newest first; never empty.
    keys: Vec<Key>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.id)).finish()
    }
}

impl Keyring {
    /// A ring with one new key, kept nowhere.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the system gives no random bytes.
    pub fn generate() -> Result<Self, StoreError> {
        Ok(Self { keys: vec![Key::generate()?] })
    }

    /// The keys in a text: secrets of 64 hexadecimal digits, the newest first, apart by commas or white
    /// space; from `#` on a line is a comment. This is what the file holds, and what an environment
    /// variable may hold in its place.
    ///
    /// # Errors
    /// [`StoreError::KeysMalformed`] for no key, more than [`KEYS_MAX`], one that is none, one twice.
    pub fn from_text(text: &str) -> Result<Self, StoreError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let words = lines.flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()));
        let mut keys: Vec<Key> = Vec::new();
        for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
            if at == KEYS_MAX {
                return Err(malformed(format!("there are more than {KEYS_MAX}")));
            }
            let secret = unhex(word).ok_or_else(|| malformed(format!("number {} is not one", at + 1)))?;
            let key = Key::new(secret)?;
            if keys.iter().any(|there| there.id == key.id) {
                return Err(malformed(format!("number {} stands there twice", at + 1)));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(malformed("there is none".into())) } else { Ok(Self { keys }) }
    }

    /// The ring of a file; where there is no file, one new key, durably in a new one.
    ///
    /// The caller has the folder to itself. A crash leaves no file or a whole one. Blocks.
    ///
    /// # Errors
    /// [`StoreError::KeysExposed`] if others than its owner may read or write the file,
    /// [`StoreError::KeysMalformed`], and what the system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(text) = file::read(path)? {
            return Self::from_text(&text);
        }
        let made = Self::generate()?;
        file::write(path, &made.to_text())?;
        tracing::info!(path = %path.display(), key = %made.newest().id, "made a signing key");
        Ok(made)
    }

    /// Puts a new key before those of a file and drops the oldest beyond [`KEYS_MAX`]: from now on the new
    /// one signs, and the others verify. A crash leaves the old file or the new one. Blocks.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn rotate(path: &Path) -> Result<Self, StoreError> {
        let mut ring = Self::open(path)?;
        ring.keys.insert(0, Key::generate()?);
        ring.keys.truncate(KEYS_MAX);
        file::write(path, &ring.to_text())?;
        Ok(ring)
    }

    /// Keeps the newest `keep` keys of a file (at least one): what the others signed is worth nothing from
    /// now on. A crash leaves the old file or the new one. Blocks.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn drop_old(path: &Path, keep: usize) -> Result<Self, StoreError> {
        let mut ring = Self::open(path)?;
        ring.keys.truncate(keep.max(1));
        file::write(path, &ring.to_text())?;
        Ok(ring)
    }

    /// Writes the ring in place of a file's. A crash leaves the old file or the new one. Blocks.
    pub(crate) fn save(&self, path: &Path) -> Result<(), StoreError> {
        file::write(path, &self.to_text())
    }

    /// Ids of the keys, the newest first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|key| key.id).collect()
    }

    /// Signs `bytes` for `purpose` with the newest key. The same ring, purpose and bytes give the same
    /// signature.
    pub fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Signed {
        let key = self.newest();
        Signed { key_id: key.id, mac: key.mac(purpose, bytes) }
    }

    /// A secret for somebody else, by its name, under each key of the ring: the newest first. It tells nothing of the
    /// keys, nor of other secrets. Whoever was given one keeps it until its key is dropped.
    pub fn derive(&self, purpose: Purpose, name: &[u8]) -> Vec<(KeyId, Secret)> {
        self.keys.iter().map(|key| (key.id, Zeroizing::new(key.mac(purpose, name)))).collect()
    }

    /// Whether a key of this ring made `signed` of exactly `bytes`, for `purpose`. Takes as long for a
    /// signature that is nearly right as for one that is all wrong; whether the key is there is no secret.
    #[must_use = "an unchecked signature is none"]
    pub fn verify(&self, purpose: Purpose, bytes: &[u8], signed: &Signed) -> bool {
        let key = self.keys.iter().find(|key| key.id == signed.key_id);
        key.is_some_and(|key| key.mac(purpose, bytes).ct_eq(&signed.mac).into())
    }

    fn newest(&self) -> &Key {
        &self.keys[0]
    }

    /// What [`Keyring::from_text`] reads.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        // Room for all of it at once: a string that grows leaves its old bytes behind.
        let mut text = Zeroizing::new(String::with_capacity(160 + self.keys.len() * 80));
        text.push_str("# Signing keys, the newest first. Whoever has them can sign as this node does.\n");
        for key in &self.keys {
            for byte in *key.secret {
                text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
            }
            text.push('\n');
        }
        text
    }
}

fn malformed(detail: String) -> StoreError {
    StoreError::KeysMalformed { detail }
}

/// `2 * N` lower-case hexadecimal digits.
fn unhex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Zeroizing::new([0; N]);
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests;
