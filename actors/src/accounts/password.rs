//! Passwords: which will do, and Argon2id off the runtime.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use cluster::body::Fault;
use domain::account::{PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, Secret};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::hashing::{Memory, Threads};

/// OWASP's first choice of parameters: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Passwords that wait to be hashed; further ones are told to come again.
const QUEUE_MAX: usize = 256;
/// The lowest estimate that will do, of zxcvbn's 0 to 4: more than 10^8 guesses.
const SCORE_MIN: zxcvbn::Score = zxcvbn::Score::Three;
/// Most bytes of the common passwords, unpacked.
const COMMON_MAX_BYTES: usize = 1 << 20;

/// Django's common passwords, sorted, one a line; see `actors/data/README.md`.
static COMMON: LazyLock<String> = LazyLock::new(|| {
    let packed = include_bytes!("../../data/common-passwords.txt.zst");
    let unpacked = zstd::bulk::decompress(packed, COMMON_MAX_BYTES).unwrap_or_default();
    String::from_utf8(unpacked).unwrap_or_default()
});

fn is_common(password: &str) -> bool {
    static LINES: LazyLock<Vec<&'static str>> = LazyLock::new(|| COMMON.lines().collect());
    LINES.binary_search(&password.trim().to_lowercase().as_str()).is_ok()
}

/// Why a password will not do; `about` is what whoever guesses would try first.
///
/// # Errors
/// `password-weak`, with what to do.
pub fn judge(password: &Secret, about: &[&str]) -> Result<(), Fault> {
    let weak = |detail: String| Err(Fault::new("password-weak", detail));
    let password = normal(password);
    let chars = password.chars().count();
    if chars < PASSWORD_MIN_CHARS {
        return weak(format!("a password has at least {PASSWORD_MIN_CHARS} characters"));
    }
    if chars > PASSWORD_MAX_CHARS {
        return weak(format!("a password has at most {PASSWORD_MAX_CHARS} characters"));
    }
    if is_common(&password) {
        return weak("this is one of the most common passwords: choose another one".into());
    }
    let lower = password.to_lowercase();
    if about.iter().any(|text| text.to_lowercase().contains(lower.as_str())) {
        return weak("this stands in your own address or name: choose another one".into());
    }
    let about: Vec<&str> = about.iter().copied().chain(["visiobook"]).collect();
    let estimate = zxcvbn::zxcvbn(&password, &about);
    if estimate.score() < SCORE_MIN {
        let feedback =
            estimate.feedback().and_then(|feedback| feedback.warning()).map(|warning| format!(": {warning}"));
        let detail = "this password is guessed too easily{}; a few uncommon words make a good one";
        return weak(detail.replace("{}", feedback.unwrap_or_default().trim_end_matches('.')));
    }
    Ok(())
}

/// One spelling of what looks the same (RFC 8265, 4.2.2).
fn normal(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(password.0.nfc().collect())
}

/// The hash of a password, as a PHC string.
fn hashed(password: &str, memory: &mut Memory) -> Result<String, Fault> {
    let failed = |e: &dyn std::fmt::Display| Fault::new("internal", format!("a password could not be hashed: {e}"));
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| failed(&e))?;
    // These are within what Params takes; the default is the same but for later versions of the crate.
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    let written = ParamsString::try_from(&params).map_err(|e| failed(&e))?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    computed((Algorithm::Argon2id, Version::V0x13, params), password, &salt, &mut output, memory)
        .map_err(|e| failed(&e))?;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(Salt::new(&salt).map_err(|e| failed(&e))?),
        hash: Some(Output::new(&output).map_err(|e| failed(&e))?),
    };
    Ok(phc.to_string())
}

/// Whether a PHC string is of Argon2 and of a password.
fn is_of(phc: &str, password: &str, memory: &mut Memory) -> bool {
    let Ok(phc) = PasswordHash::new(phc) else { return false };
    let how = (Algorithm::try_from(phc.algorithm.as_str()), phc.version.map(Version::try_from), Params::try_from(&phc));
    let (Ok(algorithm), Some(Ok(version)), Ok(params)) = how else { return false };
    let (Some(salt), Some(wanted)) = (phc.salt, phc.hash) else { return false };
    let mut output = [0; Output::MAX_LENGTH];
    let Some(output) = output.get_mut(..wanted.len()) else { return false };
    let done = computed((algorithm, version, params), password, &salt, output, memory);
    done.is_ok() && bool::from(output.ct_eq(wanted.as_bytes()))
}

/// Computes Argon2 in the memory of whoever does, which grows to what that takes.
fn computed(
    (algorithm, version, params): (Algorithm, Version, Params),
    password: &str,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Result<(), argon2::Error> {
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::new());
    }
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
}

/// A hash that nobody's password has: what is looked through where there is none.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    let mut password = [0; 32];
    let drawn = getrandom::fill(&mut password).is_ok();
    // Without random bytes nothing else works either; a hash of nothing then still takes as long, and fails.
    let text: String = password.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    hashed(if drawn { &text } else { "" }, &mut Memory::new()).unwrap_or_default()
});

/// Hashes and verifies passwords on threads of their own, a few at a time.
#[derive(Clone)]
pub struct Hashing {
    threads: Arc<Threads>,
    waiting: Arc<Semaphore>,
}

impl Hashing {
    /// At most `threads` at a time; twice as many where others take all of the processor. Each takes 19 MiB.
    pub fn new(threads: usize) -> Self {
        // What the first to need it would make: others would wait for a thread that may get no time, and it would tell
        // that an account is not there.
        LazyLock::force(&NOBODYS);
        // The dictionaries that a new password is judged by.
        let _ = judge(&Secret("long enough to be looked up in all of them".into()), &[]);
        let threads = Threads::new(threads, MEMORY_KIB as usize);
        Self { threads: Arc::new(threads), waiting: Arc::new(Semaphore::new(QUEUE_MAX)) }
    }

    /// The hash of a password that will do, as a PHC string.
    ///
    /// # Errors
    /// `password-weak`, `unavailable` if too many wait.
    pub async fn hash(&self, password: &Secret, about: &[&str]) -> Result<String, Fault> {
        let (password, about) = (password.clone(), about.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        self.run(move |memory| {
            judge(&password, &about.iter().map(String::as_str).collect::<Vec<_>>())?;
            hashed(&normal(&password), memory)
        })
        .await?
    }

    /// Whether a hash is that of a password. Takes as long where there is no hash, and says no.
    ///
    /// # Errors
    /// `unavailable` if too many wait.
    pub async fn verify(&self, password: &Secret, phc: Option<&str>) -> Result<bool, Fault> {
        // Longer than any that will do: no hash is its own. It is told at once, which tells nothing of anybody.
        if password.0.chars().count() > PASSWORD_MAX_CHARS {
            return Ok(false);
        }
        let (password, phc) = (password.clone(), phc.map(str::to_owned));
        self.run(move |memory| {
            let verified = is_of(phc.as_deref().unwrap_or(&NOBODYS), &normal(&password), memory);
            phc.is_some() && verified
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Memory) -> T + Send + Sync + 'static,
    ) -> Result<T, Fault> {
        let busy = || Fault::new("unavailable", "too many are signing in; try again").retry_after(1_000);
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        // The permit goes with the work, which can't be stopped half-way.
        let held = move |memory: &mut Memory| {
            let _waiting = &waiting;
            work(memory)
        };
        self.threads.run(held).await.ok_or_else(busy)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.into())
    }

    #[test]
    fn the_common_passwords_are_all_there_and_in_order() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), 19_640);
        assert!(lines.is_sorted());
        assert!(is_common("password1") && is_common(" QWERTY ") && !is_common("a lamp on the ferry"));
    }

    #[test]
    fn a_password_is_judged_by_what_guessing_it_takes() {
        for weak in ["short", "aaaaaaaaaaaaaa", "1q2w3e4r5t6y", "password1234", "visiobook2024", "anna.lamp@example"] {
            let judged = judge(&secret(weak), &["anna.lamp@example.org", "Anna Lamp"]);
            assert_eq!(judged.map_err(|fault| fault.code), Err("password-weak".into()), "{weak}");
        }
        let long = "ferry lamp ".repeat(30);
        assert!(judge(&secret(&long), &[]).is_err());
        for good in ["a lamp upon the ferry", "Öl, Brot & Ziegenkäse", "qV7#xw2!pLr9"] {
            assert_eq!(judge(&secret(good), &["anna@example.org", "Anna"]), Ok(()), "{good}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_our_parameters_and_a_salt_of_its_own() {
        let hashing = Hashing::new(2);
        let one = hashing.hash(&secret("a lamp upon the ferry"), &[]).await.unwrap();
        let other = hashing.hash(&secret("a lamp upon the ferry"), &[]).await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
        assert_eq!(hashing.verify(&secret("a lamp upon the ferry"), Some(&one)).await, Ok(true));
        assert_eq!(hashing.verify(&secret("a lamp upon the Ferry"), Some(&one)).await, Ok(false));
        assert_eq!(hashing.verify(&secret("a lamp upon the ferry"), None).await, Ok(false));
        // The same letters, written in two ways.
        let composed = hashing.hash(&secret("ein K\u{e4}se auf der F\u{e4}hre"), &[]).await.unwrap();
        let apart = secret("ein Ka\u{308}se auf der Fa\u{308}hre");
        assert_eq!(hashing.verify(&apart, Some(&composed)).await, Ok(true));
    }

    #[test]
    fn what_was_in_the_memory_before_changes_no_hash() {
        let mut memory = Memory::new();
        let one = hashed("a lamp upon the ferry", &mut memory).unwrap();
        let other = hashed("another lamp", &mut memory).unwrap();
        assert!(is_of(&one, "a lamp upon the ferry", &mut memory) && is_of(&other, "another lamp", &mut memory));
        assert!(is_of(&one, "a lamp upon the ferry", &mut Memory::new()));
        assert!(!is_of(&one, "another lamp", &mut memory));
        for none in ["", "$argon2id$", "$scrypt$ln=15$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", &one[..one.len() - 1]] {
            assert!(!is_of(none, "a lamp upon the ferry", &mut memory), "{none}");
        }
    }

    /// From the reference implementation's command line.
    #[test]
    fn hashes_are_those_of_other_implementations() {
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let mut memory = Memory::new();
        assert!(is_of(phc, "password", &mut memory) && !is_of(phc, "passwore", &mut memory));
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_to_come_again() {
        let hashing = Hashing::new(1);
        let all = hashing.waiting.clone().acquire_many_owned(QUEUE_MAX as u32).await.unwrap();
        let told = hashing.verify(&secret("x"), None).await.unwrap_err();
        assert_eq!((told.code.as_str(), told.retry_after_ms), ("unavailable", Some(1_000)));
        drop(all);
        assert_eq!(hashing.verify(&secret("x"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn the_runtime_goes_on_while_passwords_are_hashed() {
        // One thread runs this test: if it hashed, nothing else would be done meanwhile.
        let hashing = Hashing::new(1);
        let (verified, ticks) = tokio::join!(
            async {
                let verified = hashing.verify(&secret("x"), None).await;
                hashing.waiting.close();
                verified
            },
            async {
                let mut ticks = 0;
                while !hashing.waiting.is_closed() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    ticks += 1;
                }
                ticks
            }
        );
        assert_eq!(verified, Ok(false));
        assert!(ticks > 1, "{ticks}");
    }
}
