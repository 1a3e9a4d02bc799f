//! What shows whose a session is, or that a mailed link was followed: an account, an id, and 256 random bits.
//!
//! The account's id stands in the token, so that looking it up is one read of one partition. It is no secret; the
//! random bits are, and rows hold their SHA-256 alone. Nothing slower is needed: nobody guesses 256 bits.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster::body::Fault;
use domain::account::Secret;
use domain::id::{AccountId, Digest};
use store::rows::SecretDigest;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 32;
const TOKEN_BYTES: usize = 16 + 16 + SECRET_BYTES;
/// Characters of a claim code, five bits each: 130.
const CODE_CHARS: usize = 26;
/// Crockford's base 32: no letter that looks like a digit.
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a token is for: one of another kind is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A session.
    Session,
    /// A mailed link.
    Link,
    /// A key.
    Key,
    /// An invitation to a project; its account is the project.
    Invitation,
    /// A share link of a project; its account is the project.
    ShareLink,
}

impl TokenKind {
    /// What tokens of this kind begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "vs_",
            Self::Link => "vl_",
            Self::Key => "vk_",
            Self::Invitation => "vi_",
            Self::ShareLink => "vp_",
        }
    }
}

/// A token.
pub struct Token {
    /// Whose.
    pub account: AccountId,
    /// What it names within the account: a session; drawn at random where that is of no use.
    pub id: u128,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// `internal` if the system gives no random bytes.
    pub fn draw(account: AccountId) -> Result<Self, Fault> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        random(secret.as_mut_slice())?;
        Ok(Self { account, id: uuid::Uuid::new_v4().as_u128(), secret })
    }

    /// Its text.
    pub fn text(&self, kind: TokenKind) -> Secret {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        bytes[..16].copy_from_slice(&self.account.0.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.id.to_be_bytes());
        bytes[32..].copy_from_slice(self.secret.as_slice());
        Secret(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// The token in a text; `None` where it is none of this kind.
    pub fn parse(kind: TokenKind, text: &Secret) -> Option<Self> {
        let text = text.0.strip_prefix(kind.prefix())?;
        // Its length is known: what is longer is not decoded.
        if text.len() != TOKEN_BYTES.div_ceil(3) * 4 - 2 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let secret = Zeroizing::new(<[u8; SECRET_BYTES]>::try_from(rest).ok()?);
        Some(Self { account: AccountId(u128::from_be_bytes(*account)), id: u128::from_be_bytes(*id), secret })
    }

    /// What rows hold of it.
    pub fn digest(&self) -> SecretDigest {
        Digest::of(self.secret.as_slice()).0
    }

    /// Whether it is the one that a row holds the digest of.
    pub fn is(&self, digest: &SecretDigest) -> bool {
        self.digest().ct_eq(digest).into()
    }
}

/// A code to claim the node or to recover with, of 130 random bits in groups that can be read aloud.
///
/// # Errors
/// `internal` if the system gives no random bytes.
pub fn draw_code() -> Result<Secret, Fault> {
    let mut bytes = [0; CODE_CHARS];
    random(&mut bytes)?;
    let chars = bytes.map(|byte| char::from(CODE_ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = chars.chunks(6).map(|group| group.iter().collect()).collect();
    Ok(Secret(groups.join("-")))
}

/// Whether two codes are one, case and dashes aside, in a time that tells nothing.
pub fn same_code(one: &Secret, other: &Secret) -> bool {
    code_digest(one).ct_eq(&code_digest(other)).into()
}

/// What rows hold of a code: its SHA-256, case and dashes aside.
pub(super) fn code_digest(code: &Secret) -> SecretDigest {
    let plain: Zeroizing<String> = Zeroizing::new(code.0.chars().filter(char::is_ascii_alphanumeric).collect());
    Digest::of(Zeroizing::new(plain.to_ascii_uppercase()).as_bytes()).0
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), Fault> {
    getrandom::fill(bytes).map_err(|e| Fault::new("internal", format!("the system gives no random bytes: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_no_other_text_is_one() {
        let token = Token::draw(AccountId(7)).unwrap();
        let text = token.text(TokenKind::Session);
        let read = Token::parse(TokenKind::Session, &text).unwrap();
        assert_eq!((read.account, read.id), (token.account, token.id));
        assert!(read.is(&token.digest()) && !read.is(&Token::draw(AccountId(7)).unwrap().digest()));
        assert!(Token::parse(TokenKind::Link, &text).is_none(), "another kind");
        for cut in 0..text.0.len() {
            assert!(Token::parse(TokenKind::Session, &Secret(text.0[..cut].into())).is_none(), "{cut}");
        }
        let padded = Secret(format!("{}=", text.0));
        assert!(Token::parse(TokenKind::Session, &padded).is_none());
    }

    #[test]
    fn tokens_and_codes_are_never_the_same() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            assert!(seen.insert(Token::draw(AccountId(7)).unwrap().digest().to_vec()));
            assert!(seen.insert(draw_code().unwrap().0.into_bytes()));
        }
    }

    #[test]
    fn a_code_may_be_typed_as_it_is_read() {
        let code = draw_code().unwrap();
        assert!(code.0.len() >= CODE_CHARS);
        assert!(same_code(&code, &Secret(code.0.to_lowercase().replace('-', " "))));
        assert!(!same_code(&code, &draw_code().unwrap()) && !same_code(&code, &Secret::default()));
    }
}
