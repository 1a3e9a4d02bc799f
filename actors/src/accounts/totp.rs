//! Codes of authenticator apps (RFC 6238: HMAC-SHA-1, 30 s, six digits), and codes to recover with.

use cluster::body::Fault;
use domain::account::Secret;
use domain::id::AccountId;
use domain::second_factor::RECOVERY_CODES;
use store::rows::SecretDigest;
use store::{Keyring, Purpose};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use super::token::{code_digest, draw_code, random};
use crate::store_fault;

/// What the app shows the account under.
const ISSUER: &str = "Visiobook";
/// As long as the hash's digest (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
const STEP_S: u64 = 30;
const DIGITS: u8 = 6;
/// Steps that an app's clock may be behind or ahead.
const SKEW: u16 = 1;

/// An app's secret.
pub(super) struct AppSecret(Zeroizing<Vec<u8>>);

/// What is sealed along with a secret: one account's is none of another's.
fn name(account: AccountId) -> Vec<u8> {
    [b"totp v1".as_slice(), &account.0.to_be_bytes()].concat()
}

impl AppSecret {
    /// Draws one.
    pub(super) fn draw() -> Result<Self, Fault> {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        random(&mut secret)?;
        Ok(Self(secret))
    }

    /// The secret as its account's row keeps it.
    pub(super) fn seal(&self, keys: &Keyring, account: AccountId) -> Result<Vec<u8>, Fault> {
        keys.seal(Purpose::SecondFactor, &name(account), &self.0).map_err(|e| store_fault(&e))
    }

    /// The secret of an account's row, and whether the newest key sealed it; `None` if the key that did was dropped.
    pub(super) fn open(keys: &Keyring, account: AccountId, sealed: &[u8]) -> Option<(Self, bool)> {
        let (secret, is_newest) = keys.open_sealed(Purpose::SecondFactor, &name(account), sealed)?;
        Some((Self(secret), is_newest))
    }

    fn totp(&self, email: &str) -> Result<Totp, Fault> {
        let secret = self.0.to_vec().into_boxed_slice();
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_skew(SKEW);
        let builder = builder.with_step_duration(STEP_S).with_secret(totp_rs::Secret::new(secret));
        let built = builder.with_issuer(Some(ISSUER)).with_account_name(email).build();
        built.map_err(|e| Fault::new("internal", format!("there are no codes of this secret: {e}")))
    }

    /// In Base32, and as an `otpauth` address, for the account of an address.
    pub(super) fn told(&self, email: &str) -> Result<(Secret, Secret), Fault> {
        let totp = self.totp(email)?;
        let uri = totp.to_url().map_err(|e| Fault::new("internal", format!("no address of this secret: {e}")))?;
        Ok((Secret(totp.secret().to_base32()), Secret(uri)))
    }

    /// The step that a code is for, if it is for now or a step around it.
    pub(super) fn step_of(&self, code: &str, now_ms: u64) -> Option<u64> {
        // No address stands in a code.
        self.totp("-").ok()?.check(code, now_ms / 1_000)
    }
}

/// A code as somebody typed it: that of an app is six digits, spaces aside.
pub(super) fn app_code(code: &Secret) -> Option<Zeroizing<String>> {
    let plain: Zeroizing<String> = Zeroizing::new(code.0.chars().filter(|c| !c.is_whitespace()).collect());
    (plain.len() == usize::from(DIGITS) && plain.bytes().all(|b| b.is_ascii_digit())).then_some(plain)
}

/// Codes to recover with, and what rows hold of them.
pub(super) fn draw_recovery() -> Result<(Vec<Secret>, Vec<SecretDigest>), Fault> {
    let codes = (0..RECOVERY_CODES).map(|_| draw_code()).collect::<Result<Vec<_>, _>>()?;
    let digests = codes.iter().map(code_digest).collect();
    Ok((codes, digests))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (time_s, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(secret.step_of(code, time_s * 1_000), Some(time_s / STEP_S), "{time_s}");
        }
    }

    #[test]
    fn a_code_is_taken_one_step_around_its_own_and_no_more() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        let at = |time_s: u64| secret.step_of("287082", time_s * 1_000);
        assert_eq!(
            [at(29), at(30), at(59), at(60), at(89), at(90)],
            [Some(1), Some(1), Some(1), Some(1), Some(1), None]
        );
        assert_eq!(secret.step_of("287083", 59_000), None);
        assert_eq!(secret.step_of("", 59_000), None);
    }

    #[test]
    fn an_app_is_told_what_it_needs_and_the_row_tells_nothing() {
        let (keys, account) = (Keyring::generate().unwrap(), AccountId(7));
        let secret = AppSecret::draw().unwrap();
        let (base32, uri) = secret.told("anna@example.org").unwrap();
        assert_eq!(base32.0.len(), 32);
        assert!(uri.0.starts_with("otpauth://totp/Visiobook:anna%40example.org?"), "{}", uri.0);
        assert!(uri.0.contains(&base32.0) && uri.0.contains("issuer=Visiobook"), "{}", uri.0);
        let sealed = secret.seal(&keys, account).unwrap();
        assert!(!sealed.windows(SECRET_BYTES).any(|window| window == secret.0.as_slice()));
        let (opened, is_newest) = AppSecret::open(&keys, account, &sealed).unwrap();
        assert!(opened.0 == secret.0 && is_newest);
        assert!(AppSecret::open(&keys, AccountId(8), &sealed).is_none(), "another account's");
    }

    #[test]
    fn a_code_may_be_typed_as_it_is_read() {
        let app = |code: &str| app_code(&Secret(code.into())).map(|code| code.to_string());
        assert_eq!(app(" 123 456 "), Some("123456".into()));
        for none in ["12345", "1234567", "12345a", "١٢٣٤٥٦", ""] {
            assert_eq!(app(none), None, "{none}");
        }
        let (codes, digests) = draw_recovery().unwrap();
        assert_eq!((codes.len(), digests.len()), (RECOVERY_CODES, RECOVERY_CODES));
        assert_eq!(code_digest(&Secret(codes[3].0.to_lowercase().replace('-', " "))), digests[3]);
    }
}
