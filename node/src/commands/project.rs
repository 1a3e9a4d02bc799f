//! `visiobook project`: the projects of a node, or of a data folder.

use std::path::PathBuf;

use domain::id::ProjectId;
use serde_json::{Value, json};
use warp::http::Method;

use super::Failure;
use super::client::{Api, Target};
use super::table::{moment, state, table, text};
use crate::config::Config;

/// Arguments of `project`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// The projects, newest first
    List(List),
    /// One project
    Show {
        /// Its id
        project: ProjectId,
    },
    /// Make a project of a book, and begin its analysis
    Add {
        /// The book's file
        file: PathBuf,
    },
    /// Give a project another name; without one it goes back to the book's title
    Rename {
        /// Its id
        project: ProjectId,
        /// The name
        name: Option<String>,
    },
    /// Say something of a project; without words, nothing
    Describe {
        /// Its id
        project: ProjectId,
        /// The words
        description: Option<String>,
    },
    /// Put a project aside
    Archive {
        /// Its id
        project: ProjectId,
    },
    /// Take a project up again
    Unarchive {
        /// Its id
        project: ProjectId,
    },
    /// Delete a project; for a while it can be restored
    Delete {
        /// Its id
        project: ProjectId,
        /// Erase it at once, with nothing to undo
        #[arg(long)]
        now: bool,
    },
    /// Undo a deletion
    Restore {
        /// Its id
        project: ProjectId,
    },
    /// Give another file as a project's book, and begin its analysis
    Revise {
        /// Its id
        project: ProjectId,
        /// The book's file
        file: PathBuf,
    },
    /// Who did what to a project, newest first
    Activity {
        /// Its id
        project: ProjectId,
    },
}

/// Which projects are listed.
#[derive(clap::Args)]
struct List {
    /// Those that were put aside, all, or those that were deleted
    #[arg(long, value_parser = ["active", "archived", "all", "deleted"], default_value = "active")]
    shown: String,
    /// Only those whose newest run stands like this
    #[arg(long, value_parser = ["received", "working", "ready", "failed", "cancelled"])]
    state: Option<String>,
    /// Only books in this language
    #[arg(long, value_parser = ["en", "fr"])]
    language: Option<String>,
    /// Only those that hold all of these words
    #[arg(long)]
    search: Option<String>,
    /// What comes first
    #[arg(long, value_parser = ["created", "changed", "name"], default_value = "created")]
    sort: String,
    /// The other way round
    #[arg(long)]
    reversed: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for what can't be used, 3 for what is not there, 4 where something else stands in the way, else 1.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::open(config, &args.target).await?;
    let done = act(&api, args.action, args.target.json).await;
    api.close().await;
    done
}

async fn act(api: &Api, action: Action, as_json: bool) -> Result<(), Failure> {
    let patch = async |project: ProjectId, change: Value| {
        api.call(Method::PATCH, &format!("/projects/{project}"), Some(change)).await
    };
    let answer = match action {
        Action::List(query) => return list(api, &query, as_json).await,
        Action::Activity { project } => return activity(api, project, as_json).await,
        Action::Show { project } => api.call(Method::GET, &format!("/projects/{project}"), None).await?,
        Action::Rename { project, name } => patch(project, json!({ "name": name })).await?,
        Action::Describe { project, description } => patch(project, json!({ "description": description })).await?,
        Action::Archive { project } => patch(project, json!({ "archived": true })).await?,
        Action::Unarchive { project } => patch(project, json!({ "archived": false })).await?,
        Action::Restore { project } => api.call(Method::POST, &format!("/projects/{project}/restore"), None).await?,
        Action::Add { file } => upload(api, "/projects", &file).await?,
        Action::Revise { project, file } => upload(api, &format!("/projects/{project}/revisions"), &file).await?,
        Action::Delete { project, now } => {
            let erase = if now { "?erase=now" } else { "" };
            api.call(Method::DELETE, &format!("/projects/{project}{erase}"), None).await?;
            if !as_json {
                let hint = if now { "" } else { "; `visiobook project restore` brings it back for a while" };
                println!("{project} is deleted{hint}");
            }
            return Ok(());
        }
    };
    if as_json {
        println!("{answer}")
    } else {
        print!("{}", shown(&answer))
    }
    if api.is_local() && answer["run"]["state"]["state"] == "received" && !as_json {
        println!("No node serves now: the analysis begins with `visiobook serve`.");
    }
    Ok(())
}

async fn upload(api: &Api, path: &str, file: &std::path::Path) -> Result<Value, Failure> {
    let unreadable = |e| Failure::bad_input(format!("{} can't be read: {e}", file.display()));
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    api.send(Method::POST, &format!("{path}?name={name}"), bytes).await
}

async fn list(api: &Api, query: &List, as_json: bool) -> Result<(), Failure> {
    let mut asked = form_urlencoded::Serializer::new(String::new());
    asked.append_pair("shown", &query.shown).append_pair("sort", &query.sort).append_pair("limit", "500");
    asked.append_pair("reversed", if query.reversed { "true" } else { "false" });
    for (name, value) in [("state", &query.state), ("language", &query.language), ("search", &query.search)] {
        if let Some(value) = value {
            asked.append_pair(name, value);
        }
    }
    let asked = asked.finish();
    let (mut projects, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.call(Method::GET, &format!("/projects?{asked}{cursor}"), None).await?;
        projects.extend(page["projects"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if as_json {
        println!("{}", Value::Array(projects));
        return Ok(());
    }
    let row = |project: &Value| {
        let created = moment(&project["created_ms"]);
        [text(&project["id"]), text(&project["name"]), text(&project["language"]), state(&project["run"]), created]
    };
    let rows: Vec<_> = projects.iter().map(row).collect();
    print!("{}", table(["project", "name", "language", "newest run", "created (UTC)"], &rows));
    Ok(())
}

async fn activity(api: &Api, project: ProjectId, as_json: bool) -> Result<(), Failure> {
    let page = api.call(Method::GET, &format!("/projects/{project}/activity?limit=200"), None).await?;
    if as_json {
        println!("{page}");
        return Ok(());
    }
    let details = |act: &Value| {
        let of = |name| act[name].as_str().map(|value| format!("{name} {value}"));
        let parts = ["name", "to", "file", "run"].into_iter().filter_map(of);
        parts.collect::<Vec<_>>().join(", ")
    };
    let row = |act: &Value| [moment(&act["at_ms"]), text(&act["by"]), text(&act["what"]), details(act)];
    let rows: Vec<_> = page["activity"].as_array().into_iter().flatten().map(row).collect();
    print!("{}", table(["when (UTC)", "who", "what", ""], &rows));
    Ok(())
}

/// A project, a line a field.
fn shown(project: &Value) -> String {
    let authors: Vec<String> = project["authors"].as_array().into_iter().flatten().map(text).collect();
    let fields = [
        ("project", text(&project["id"])),
        ("name", text(project.get("name").unwrap_or(&project["title"]))),
        ("title", text(&project["title"])),
        ("authors", authors.join(", ")),
        ("language", text(&project["language"])),
        ("description", text(&project["description"])),
        ("file", text(&project["book"]["name"])),
        ("revision", text(&project["revision"])),
        ("archived", text(&project["archived"])),
        ("created (UTC)", moment(&project["created_ms"])),
        ("newest run", text(&project["run"]["id"])),
        ("state", state(&project["run"])),
    ];
    let rows: Vec<[String; 2]> =
        fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| [name.into(), value]).collect();
    let whole = table(["", ""], &rows);
    whole.lines().skip(1).map(|line| format!("{line}\n")).collect()
}
