//! `visiobook key`: keys of one's account, for programs.

use serde_json::{Value, json};
use warp::http::Method;

use super::client::{Api, Target};
use super::table::{moment, table, text};
use super::{Failure, secrets};
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  visiobook key create --name backup --scope administer --days 365 > key.txt
  visiobook key list
  visiobook key revoke 5f0c8c8e-2b52-4a8e-9d3e-0f6a4c1f7a11

  VISIOBOOK_KEY=$(cat key.txt) visiobook backup all.visiobook

Sign in first (`visiobook sign-in`): a key makes no keys. Each allows no more than the account itself does.";

/// Arguments of `key`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a key: its token goes to standard output, this once
    Create {
        /// What to call it
        #[arg(long)]
        name: String,
        /// What it is for: seeing projects, changing them, running the node, backups
        #[arg(long = "scope", required = true, value_parser = ["read", "write", "operate", "administer"])]
        scopes: Vec<String>,
        /// How many days it is good for, at most 366
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
    },
    /// The account's keys
    List,
    /// Revoke a key: it is worth nothing from then on
    Revoke {
        /// Its id
        key: domain::id::ApiKeyId,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit code 1 where no node answers, 2 for what it refuses, 3 for a key that is not there.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::of_people(config, &args.target).await?;
    match args.action {
        Action::Create { name, scopes, days } => {
            let body = json!({ "name": name, "scopes": scopes, "valid_s": days * 86_400 });
            let made = secrets::recently(&api, Method::POST, "/account/keys", Some(body)).await?;
            if args.target.json {
                println!("{made}");
                return Ok(());
            }
            let (id, ends) = (text(&made["key"]["id"]), moment(&made["key"]["ends_ms"]));
            eprintln!("Key {id}, good until {ends} (UTC). Its token is shown this once:");
            println!("{}", text(&made["token"]));
        }
        Action::List => {
            let list = api.call(Method::GET, "/account/keys", None).await?;
            if args.target.json { println!("{}", list["keys"]) } else { print!("{}", shown(&list["keys"])) }
        }
        Action::Revoke { key } => {
            api.call(Method::DELETE, &format!("/account/keys/{key}"), None).await?;
            match args.target.json {
                true => println!("{}", json!({ "revoked": key })),
                false => println!("{key} is revoked."),
            }
        }
    }
    Ok(())
}

fn shown(keys: &Value) -> String {
    let row = |key: &Value| {
        let scopes: Vec<String> = key["scopes"].as_array().into_iter().flatten().map(text).collect();
        let used = if key["used_ms"].is_null() { "never".to_owned() } else { moment(&key["used_ms"]) };
        [
            text(&key["id"]),
            text(&key["name"]),
            scopes.join(", "),
            moment(&key["made_ms"]),
            used,
            moment(&key["ends_ms"]),
        ]
    };
    let rows: Vec<_> = keys.as_array().into_iter().flatten().map(row).collect();
    table(["key", "name", "for", "made (UTC)", "last used (UTC)", "ends (UTC)"], &rows)
}
