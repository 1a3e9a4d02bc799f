//! `visiobook run`: the runs of a project.

use domain::id::{ProjectId, RunId};
use serde_json::{Map, Value, json};
use warp::http::Method;

use super::Failure;
use super::client::{Api, Target};
use super::table::{moment, state, table, text};
use crate::config::Config;

/// Arguments of `run`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// The runs of a project, newest first
    List {
        /// The project's id
        project: ProjectId,
    },
    /// One run
    Show {
        /// The project's id
        project: ProjectId,
        /// The run's id [default: the newest]
        run: Option<RunId>,
    },
    /// Analyse the book again
    Start {
        /// The project's id
        project: ProjectId,
        /// A setting that is not as usual, such as panel_words=90; may be given several times
        #[arg(long, value_name = "NAME=NUMBER", value_parser = setting)]
        set: Vec<(String, u32)>,
        /// Number of an earlier revision
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
    /// Stop a run
    Cancel {
        /// The project's id
        project: ProjectId,
        /// The run's id [default: the newest]
        run: Option<RunId>,
    },
    /// Try a run again that failed or was cancelled, from where it was
    Retry {
        /// The project's id
        project: ProjectId,
        /// The run's id [default: the newest]
        run: Option<RunId>,
    },
    /// Prove that every item of a run stands in exactly one of its segments
    Audit {
        /// The project's id
        project: ProjectId,
        /// The run's id [default: the newest]
        run: Option<RunId>,
    },
}

fn setting(text: &str) -> Result<(String, u32), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is NAME=NUMBER")?;
    value.parse().map(|value| (name.to_owned(), value)).map_err(|_| format!("{value} is not a number"))
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for what can't be used, 3 for what is not there, 4 where something else stands in the way; 1 for an
/// audit that finds something, and for all else.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::open(config, &args.target).await?;
    let done = act(&api, args.action, args.target.json).await;
    api.close().await;
    done
}

async fn act(api: &Api, action: Action, as_json: bool) -> Result<(), Failure> {
    let answer = match action {
        Action::List { project } => {
            let list = api.call(Method::GET, &format!("/projects/{project}/runs"), None).await?;
            if as_json {
                println!("{list}")
            } else {
                print!("{}", rows(list["runs"].as_array()))
            }
            return Ok(());
        }
        Action::Audit { project, run } => return audit(api, project, run, as_json).await,
        Action::Show { project, run } => api.call(Method::GET, &named(api, project, run, "").await?, None).await?,
        Action::Cancel { project, run } => {
            api.call(Method::POST, &named(api, project, run, "/cancel").await?, None).await?;
            api.call(Method::GET, &named(api, project, run, "").await?, None).await?
        }
        Action::Retry { project, run } => {
            api.call(Method::POST, &named(api, project, run, "/retry").await?, None).await?
        }
        Action::Start { project, set, revision } => {
            let settings: Map<String, Value> = set.into_iter().map(|(name, value)| (name, json!(value))).collect();
            let body = json!({ "settings": settings, "revision": revision });
            api.call(Method::POST, &format!("/projects/{project}/runs"), Some(body)).await?
        }
    };
    if as_json {
        println!("{answer}");
        return Ok(());
    }
    print!("{}", rows(Some(&vec![answer.clone()])));
    if answer["state"]["state"] == "failed" {
        println!("{}", text(&answer["state"]["reason"]));
    }
    if api.is_local() && answer["state"]["state"] == "received" {
        println!("No node serves now: it begins with `visiobook serve`.");
    }
    Ok(())
}

/// The path of a run: the one that is named, else the project's newest.
async fn named(api: &Api, project: ProjectId, run: Option<RunId>, what: &str) -> Result<String, Failure> {
    let run = match run {
        Some(run) => run.to_string(),
        None => {
            let found = api.call(Method::GET, &format!("/projects/{project}"), None).await?;
            text(&found["run"]["id"])
        }
    };
    Ok(format!("/projects/{project}/runs/{run}{what}"))
}

async fn audit(api: &Api, project: ProjectId, run: Option<RunId>, as_json: bool) -> Result<(), Failure> {
    let found = api.call(Method::GET, &named(api, project, run, "/audit").await?, None).await?;
    let counts = ["missing", "repeated", "foreign"].map(|name| format!("{name} {}", found[name]));
    let line = format!("{} items in {} segments: {}", found["items"], found["segments"], counts.join(", "));
    if as_json {
        println!("{found}")
    } else {
        println!("{line}")
    }
    match found["clean"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(Failure::new("the run is not whole")),
    }
}

fn rows(runs: Option<&Vec<Value>>) -> String {
    let settings = |run: &Value| {
        let usual = serde_json::to_value(domain::run::RunSettings::default()).unwrap_or_default();
        let given = run["settings"].as_object().into_iter().flatten();
        let odd = given.filter(|(name, value)| usual[name.as_str()] != **value);
        odd.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let row = |run: &Value| {
        [
            text(&run["id"]),
            text(&run["revision"]),
            state(run),
            moment(&run["created_ms"]),
            moment(&run["ended_ms"]),
            settings(run),
        ]
    };
    let rows: Vec<_> = runs.into_iter().flatten().map(row).collect();
    table(["run", "revision", "state", "began (UTC)", "ended (UTC)", "settings"], &rows)
}
