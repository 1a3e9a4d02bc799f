//! `visiobook user`: accounts of a node.

use serde_json::{Value, json};
use warp::http::Method;

use super::client::{Api, Target};
use super::table::{moment, table, text};
use super::{Failure, origin, secrets, sign_in};
use crate::config::Config;

/// Accounts of one page.
const PAGE: usize = 200;

const EXAMPLES: &str = "\
Examples:
  visiobook user create --claim --email admin@example.org --name Admin
  visiobook user create --email anna@example.org --name 'Anna Lamp'
  visiobook user list
  visiobook user role anna@example.org operator
  visiobook user activity anna@example.org

The first account of a node takes the code that the node printed when it started, is an admin, and is signed in here at
once. Whoever makes another one is mailed a link to confirm its address. All but `create` is for admins who have signed
in (`visiobook sign-in`). Passwords and codes are asked for at the terminal, or are the lines of standard input.";

/// Arguments of `user`.
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
    /// The node's accounts
    List,
    /// The account of a mail address
    Show {
        /// Its address
        email: String,
    },
    /// Make an account: a link to confirm its address is mailed
    Create {
        /// Its mail address
        #[arg(long)]
        email: String,
        /// What its owner is called
        #[arg(long)]
        name: String,
        /// Make the node's first account, with the code that the node printed
        #[arg(long)]
        claim: bool,
    },
    /// Say what an account may do to the node
    Role {
        /// Its address
        email: String,
        /// Its role from now on
        #[arg(value_parser = ["user", "operator", "admin"])]
        role: String,
    },
    /// What was done with an account lately
    Activity {
        /// Its address
        email: String,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit code 1 where no node answers, 2 for what it refuses, 3 for an account that is not there.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::of_people(config, &args.target).await?;
    let as_json = args.target.json;
    let account = match args.action {
        Action::List => return list(&api, as_json).await,
        Action::Activity { email } => return activity(&api, &email, as_json).await,
        Action::Create { email, name, claim } => return create(&api, email, name, claim, as_json).await,
        Action::Show { email } => found(&api, &email).await?,
        Action::Role { email, role } => {
            let id = text(&found(&api, &email).await?["id"]);
            let body = json!({ "role": role });
            secrets::recently(&api, Method::PUT, &format!("/accounts/{id}/role"), Some(body)).await?
        }
    };
    if as_json {
        println!("{account}")
    } else {
        print!("{}", shown(std::slice::from_ref(&account)))
    }
    Ok(())
}

async fn found(api: &Api, email: &str) -> Result<Value, Failure> {
    let email: String = form_urlencoded::byte_serialize(email.as_bytes()).collect();
    secrets::recently(api, Method::GET, &format!("/accounts?email={email}"), None).await
}

async fn create(api: &Api, email: String, name: String, claim: bool, as_json: bool) -> Result<(), Failure> {
    origin::private(api.base())?;
    let code = if claim { Some(secrets::ask("Code that the node printed")?) } else { None };
    let mut body = json!({ "email": email, "name": name, "password": secrets::ask("Password")? });
    let Some(code) = code else {
        api.call(Method::POST, "/auth/sign-up", Some(body)).await?;
        match as_json {
            true => println!("{}", json!({ "mailed": email })),
            false => println!("A link to confirm the address was mailed to {email}."),
        }
        return Ok(());
    };
    body["code"] = json!(code);
    let (said, headers) = api.attempt(Method::POST, "/auth/claim", body.to_string().into_bytes()).await??;
    sign_in::keep(api, &said, &headers)?;
    let account = &said["account"];
    match as_json {
        true => println!("{account}"),
        false => println!("{} is the node's first account, an admin, and signed in here.", text(&account["email"])),
    }
    Ok(())
}

async fn list(api: &Api, as_json: bool) -> Result<(), Failure> {
    let (mut accounts, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/accounts/all?limit={PAGE}{after}");
        let page = secrets::recently(api, Method::GET, &path, None).await?;
        accounts.extend(page["accounts"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    match as_json {
        true => println!("{}", Value::Array(accounts)),
        false => print!("{}", shown(&accounts)),
    }
    Ok(())
}

async fn activity(api: &Api, email: &str, as_json: bool) -> Result<(), Failure> {
    let id = text(&found(api, email).await?["id"]);
    let page = secrets::recently(api, Method::GET, &format!("/accounts/{id}/activity?limit=200"), None).await?;
    if as_json {
        println!("{page}");
        return Ok(());
    }
    let row = |event: &Value| [moment(&event["at_ms"]), text(&event["address"]), text(&event["what"])];
    let rows: Vec<_> = page["events"].as_array().into_iter().flatten().map(row).collect();
    print!("{}", table(["when (UTC)", "from", "what"], &rows));
    Ok(())
}

fn shown(accounts: &[Value]) -> String {
    let row = |account: &Value| {
        let confirmed = if account["confirmed"] == true { "yes" } else { "no" }.to_owned();
        let made = moment(&account["created_ms"]);
        [text(&account["email"]), text(&account["name"]), text(&account["role"]), confirmed, made, text(&account["id"])]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    table(["address", "name", "role", "confirmed", "made (UTC)", "account"], &rows)
}
