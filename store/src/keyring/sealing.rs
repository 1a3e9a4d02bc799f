//! Small secrets that the node has to read again, sealed so that its rows alone tell nothing of them.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{Keyring, Purpose, Secret};
use crate::error::StoreError;

const NONCE_BYTES: usize = 24;

/// A name is derived from and sealed along, so that what was sealed for one is worth nothing for another.
fn cipher(key: &Secret) -> Option<XChaCha20Poly1305> {
    XChaCha20Poly1305::new_from_slice(key.as_slice()).ok()
}

impl Keyring {
    /// Some bytes, sealed under the newest key for one purpose and name: XChaCha20-Poly1305, a random nonce before it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the system gives no random bytes.
    pub fn seal(&self, purpose: Purpose, name: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let failed = |detail: String| StoreError::Io { operation: "sealing a secret", detail };
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|e| failed(e.to_string()))?;
        let key = self.derive(purpose, name).into_iter().next().map(|(_, key)| key);
        let cipher = key.as_ref().and_then(cipher).ok_or_else(|| failed("there is no key".into()))?;
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: name });
        let sealed = sealed.map_err(|e| failed(e.to_string()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed for this purpose and name, and whether that was under the newest key; `None` if it was not, was
    /// changed since, or its key was dropped.
    pub fn open_sealed(&self, purpose: Purpose, name: &[u8], sealed: &[u8]) -> Option<(Zeroizing<Vec<u8>>, bool)> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.derive(purpose, name).iter().enumerate().find_map(|(at, (_, key))| {
            let opened = cipher(key)?.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: name });
            opened.ok().map(|plain| (Zeroizing::new(plain), at == 0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose::SecondFactor;

    #[test]
    fn what_is_sealed_is_opened_for_its_own_purpose_and_name_only() {
        let ring = Keyring::generate().unwrap();
        let sealed = ring.seal(PURPOSE, b"anna", b"a secret").unwrap();
        assert!(!sealed.windows(8).any(|window| window == b"a secret"));
        assert_ne!(sealed, ring.seal(PURPOSE, b"anna", b"a secret").unwrap(), "a nonce is never the same");
        let (plain, is_newest) = ring.open_sealed(PURPOSE, b"anna", &sealed).unwrap();
        assert_eq!((plain.as_slice(), is_newest), (&b"a secret"[..], true));
        assert!(ring.open_sealed(PURPOSE, b"ben", &sealed).is_none());
        assert!(ring.open_sealed(Purpose::Url, b"anna", &sealed).is_none());
        assert!(Keyring::generate().unwrap().open_sealed(PURPOSE, b"anna", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open_sealed(PURPOSE, b"anna", &changed).is_none(), "byte {at}");
            assert!(ring.open_sealed(PURPOSE, b"anna", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn what_an_older_key_sealed_is_opened_until_that_key_is_dropped() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let sealed = Keyring::from_text(&old).unwrap().seal(PURPOSE, b"anna", b"a secret").unwrap();
        let rotated = Keyring::from_text(&format!("{new} {old}")).unwrap();
        assert!(!rotated.open_sealed(PURPOSE, b"anna", &sealed).unwrap().1);
        assert!(Keyring::from_text(&new).unwrap().open_sealed(PURPOSE, b"anna", &sealed).is_none());
    }
}
