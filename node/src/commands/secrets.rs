//! Passwords and codes: from the terminal, without showing them, or from the lines of standard input; never from the
//! command line, which others on the machine can read.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use domain::account::Secret;
use serde_json::{Value, json};
use warp::http::{HeaderMap, Method};

use super::Failure;
use super::client::{Api, Refused};

/// Longest line that is read.
const LINE_MAX_BYTES: u64 = 4_096;

/// Asks for something that is not to be seen.
///
/// # Errors
/// Exit code 2 where there is neither a terminal nor a line.
pub fn ask(what: &str) -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        let said = rpassword::prompt_password(format!("{what}: "));
        return said.map(Secret).map_err(|e| Failure::bad_input(format!("the {what} can't be read: {e}")));
    }
    line(what).map(Secret)
}

/// Asks for something that may be seen.
///
/// # Errors
/// As [`ask`].
pub fn ask_openly(what: &str) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        eprint!("{what}: ");
        let _ = std::io::stderr().flush();
    }
    line(what)
}

fn line(what: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let mut limited = std::io::stdin().lock().take(LINE_MAX_BYTES);
    let read = limited.read_line(&mut text);
    let read = read.map_err(|e| Failure::bad_input(format!("the {what} can't be read: {e}")))?;
    match read {
        0 => {
            Err(Failure::bad_input(format!("there is no terminal to ask for the {what}, and no line of input for it")))
        }
        _ => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// Sends what holds a password, and asks for a code where the account has a second factor.
///
/// # Errors
/// The API's own words.
pub async fn send(api: &Api, method: Method, path: &str, mut body: Value) -> Result<(Value, HeaderMap), Failure> {
    match api.attempt(method.clone(), path, body.to_string().into_bytes()).await? {
        Err(refused) if refused.code == "second-factor-needed" => {
            body["code"] = json!(ask("Code of the second factor")?);
            Ok(api.attempt(method, path, body.to_string().into_bytes()).await??)
        }
        answered => Ok(answered?),
    }
}

/// Asks for what takes a recent sign-in: where the last one is too long ago, the password is said again.
///
/// # Errors
/// The API's own words.
pub async fn recently(api: &Api, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let again = |refused: &Refused| refused.code == "sign-in-again";
    match api.attempt(method.clone(), path, bytes.clone()).await? {
        Err(refused) if again(&refused) => {
            eprintln!("You signed in a while ago: say your password again.");
            send(api, Method::POST, "/auth/again", json!({ "password": ask("Password")? })).await?;
            Ok(api.attempt(method, path, bytes).await?.map(|(value, _)| value)?)
        }
        answered => Ok(answered.map(|(value, _)| value)?),
    }
}
