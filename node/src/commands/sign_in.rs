//! `visiobook sign-in`, `visiobook sign-out`: whom the other commands ask for.

use serde_json::{Value, json};
use warp::http::{HeaderMap, Method, header};

use super::client::{Api, Target};
use super::person::{self, Kept};
use super::table::text;
use super::{Failure, origin, secrets};
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  visiobook sign-in --email anna@example.org
  visiobook sign-in --server https://books.example --email anna@example.org
  visiobook sign-in --email anna@example.org < password.txt

The password, and a code where the account has a second factor, are asked for at the terminal; without one they are the
lines of standard input. What is kept is a session, in visiobook/sessions.json of the user's folder for configuration,
for its owner only. It ends 24 hours after its last use. Programs are better off with a key: `visiobook key create`.";

/// Arguments of `sign-in`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The account's mail address [default: it is asked for]
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

/// Arguments of `sign-out`.
#[derive(clap::Args)]
pub struct OutArgs {
    #[command(flatten)]
    target: Target,
}

/// Signs in.
///
/// # Errors
/// Exit code 1 where no node answers, 2 for what it refuses.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::of_people(config, &args.target).await?;
    origin::private(api.base())?;
    let email = args.email.map_or_else(|| secrets::ask_openly("Mail address"), Ok)?;
    let body = json!({ "email": email, "password": secrets::ask("Password")? });
    let (said, headers) = secrets::send(&api, Method::POST, "/auth/sign-in", body).await?;
    keep(&api, &said, &headers)?;
    match args.target.json {
        true => println!("{}", said["account"]),
        false => println!("Signed in to {} as {}.", api.base(), text(&said["account"]["email"])),
    }
    Ok(())
}

/// Keeps the session that an answer began.
///
/// # Errors
/// What keeps it from that.
pub fn keep(api: &Api, said: &Value, headers: &HeaderMap) -> Result<(), Failure> {
    let cookie = headers.get(header::SET_COOKIE).and_then(|value| value.to_str().ok()?.split(';').next());
    let none = || Failure::new("what answered is no node of Visiobook: it began no session");
    let cookie = cookie.ok_or_else(none)?.to_owned();
    let (email, csrf_token) = (text(&said["account"]["email"]), text(&said["csrf_token"]));
    person::keep(api.base(), Some(Kept { email, cookie, csrf_token }))
}

/// Signs out, and forgets the session whatever the node says of it.
///
/// # Errors
/// Exit code 1 where no node answers; then the session is forgotten here all the same.
pub async fn out(config: &Config, args: OutArgs) -> Result<(), Failure> {
    let base = Api::named(config, &args.target)?;
    if person::kept(&base)?.is_none() {
        return Err(Failure::bad_input(format!("nobody is signed in to {base} from here")));
    }
    let api = Api::of_people(config, &args.target).await;
    let told = match &api {
        Ok(api) => api.attempt(Method::POST, "/auth/sign-out", Vec::new()).await.map(Result::err),
        Err(_) => Ok(None),
    };
    person::keep(&base, None)?;
    let api = api?;
    // Where it is over, it was over before.
    if let Some(refused) = told?.filter(|refused| refused.code != "session-ended") {
        return Err(refused.into());
    }
    match args.target.json {
        true => println!("{}", json!({ "signed_out": api.base() })),
        false => println!("Signed out of {}.", api.base()),
    }
    Ok(())
}
