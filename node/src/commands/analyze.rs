//! `visiobook analyze`: one book, here and now, with the same actors as a served node.
//!
//! All state lies under the output folder, so it runs beside `serve`, and when it is killed the same
//! command goes on from what was done.

use std::io::Write;
use std::path::{Path, PathBuf};

use actors::run::composing::{BOOK_JSON, STORYBOARD_HTML, STORYBOARD_JSON};
use cluster::body::projects::{CreateProject, EventsAfter, GetArtefact, GetProject, ListProjects, StartRun};
use cluster::body::{Fault, Scope};
use cluster::bulk::{fetch_whole, once};
use cluster::link::{CallContext, Wire};
use domain::api::{ProjectView, RunView};
use domain::id::{Digest, ProjectId};
use domain::principal::Principal;
use domain::run::RunState;
use store::DataFolder;

use super::bar::Shown;
use super::{FAILED, Failure, INTERRUPTED, Interruption, input};
use crate::config::Config;
use crate::wiring::{Node, limits};

/// Where the state lies, below the output folder.
const STATE: &str = ".visiobook";
/// How long the core may take for an answer.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(120);
/// How long a question for events is held open.
const WAIT_MS: u32 = 2_000;
/// Largest file that is written out.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Arguments of `analyze`.
#[derive(clap::Args)]
pub struct Args {
    /// The book: EPUB or plain text, English or French
    book: PathBuf,
    /// Folder for the results; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Say how far it is as JSON lines on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a book or folder that can't be used, 130 after Ctrl-C, else 1.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let book = Input::read(config, &args.book)?;
    std::fs::create_dir_all(&args.out)
        .map_err(|e| Failure::bad_input(format!("{} can't be made: {e}", args.out.display())))?;
    let data = DataFolder::open(args.out.join(STATE))?;
    let node = Node::start(data, config, Wire::Memory).await?;
    let mut interruption = Interruption::listen()?;
    let shown = Shown::new(args.json);
    let outcome = tokio::select! {
        outcome = analyse(&node, &book, &shown) => outcome,
        fault = trouble(&node) => Err(Failure::new(format!("{fault}; the same command goes on from here"))),
        () = interruption.came() => {
            Err(Failure { exit: INTERRUPTED, message: "stopped; the same command goes on from here".to_owned() })
        }
    };
    shown.end();
    let outcome = match outcome {
        Ok(project) => write_out(&node, project.id, &args).await,
        Err(failure) => Err(failure),
    };
    node.stop().await;
    outcome
}

/// Why the run can't go on now. A served node tries again later; whoever sits before a command is told.
async fn trouble(node: &Node) -> Fault {
    let mut trouble = node.trouble.clone();
    match trouble.wait_for(Option::is_some).await.map(|fault| fault.clone()) {
        Ok(Some(fault)) => fault,
        _ => std::future::pending().await,
    }
}

/// A book that was found good before anything is written anywhere.
struct Input {
    name: String,
    bytes: Vec<u8>,
    digest: Digest,
}

impl Input {
    fn read(config: &Config, path: &Path) -> Result<Self, Failure> {
        let limits = limits(config);
        let bytes = input::bytes(path, &limits)?;
        let name = input::name(path);
        book::read(&name, &bytes, &limits).map_err(|error| input::refused(path, &error))?;
        Ok(Self { name, digest: Digest::of(&bytes), bytes })
    }
}

fn context() -> CallContext {
    CallContext::within(ANSWER)
}

/// Finds or makes the book's project and follows its run to the end.
async fn analyse(node: &Node, book: &Input, shown: &Shown) -> Result<ProjectView, Failure> {
    let known = node.core.call(ListProjects { principal: Principal::NODE }, context()).await?;
    let known = known.projects.into_iter().find(|project| project.book.digest == book.digest);
    let project = match known {
        None => create(node, book).await?,
        Some(project) => resume(node, project, shown).await?,
    };
    let Some(run) = &project.run else {
        return Err(Failure::new("the project has no run; remove the .visiobook folder and begin anew"));
    };
    follow(node, &project, run, shown).await?;
    let ask = GetProject { principal: Principal::NODE, project: project.id };
    let project = node.core.call(ask, context()).await?.project;
    for warning in project.run.iter().flat_map(|run| &run.warnings) {
        shown.warn(warning);
    }
    Ok(project)
}

async fn create(node: &Node, book: &Input) -> Result<ProjectView, Fault> {
    let project = ProjectId(uuid::Uuid::now_v7().as_u128());
    let scope = Scope { tenant: Principal::NODE.tenant, project };
    let size = book.bytes.len() as u64;
    let stored = node.bulk.put(scope, once(book.bytes.clone()), size).await?;
    let ask = CreateProject {
        principal: Principal::NODE,
        project,
        file_name: book.name.clone(),
        book: stored.digest,
        book_bytes: stored.bytes,
        demo: false,
    };
    Ok(node.core.call(ask, context()).await?.project)
}

/// What an earlier call of the command left: go on with it, or begin another run where it failed.
async fn resume(node: &Node, mut project: ProjectView, shown: &Shown) -> Result<ProjectView, Fault> {
    match project.run.as_ref().map(|run| &run.state) {
        Some(RunState::Ready) => shown.note("already analysed; writing the results again"),
        Some(RunState::Failed { .. } | RunState::Cancelled) | None => {
            let ask = StartRun { principal: Principal::NODE, project: project.id };
            project.run = Some(node.core.call(ask, context()).await?.run);
        }
        Some(_) => shown.note("going on from where it was"),
    }
    Ok(project)
}

async fn follow(node: &Node, project: &ProjectView, run: &RunView, shown: &Shown) -> Result<(), Failure> {
    let (mut state, mut progress, mut after) = (run.state.clone(), run.progress, run.seq);
    loop {
        shown.show(&state, &progress);
        match state {
            RunState::Ready => return Ok(()),
            RunState::Failed { code, reason, .. } => return Err(Fault::new(&code, reason).into()),
            RunState::Cancelled => return Err(Failure { exit: FAILED, message: "the run was cancelled".to_owned() }),
            _ => {}
        }
        let ask = EventsAfter { principal: Principal::NODE, project: project.id, after, limit: 64, wait_ms: WAIT_MS };
        for event in node.core.call(ask, context()).await?.events {
            after = event.seq;
            if event.run == run.id {
                shown.show(&event.state, &event.progress);
                (state, progress) = (event.state, event.progress);
            }
        }
    }
}

#[derive(serde::Serialize)]
struct Done<'a> {
    event: &'static str,
    files: &'a [PathBuf],
}

/// Writes the results out: each file whole or not at all.
async fn write_out(node: &Node, project: ProjectId, args: &Args) -> Result<(), Failure> {
    let scope = Scope { tenant: Principal::NODE.tenant, project };
    let mut files = Vec::new();
    for name in [STORYBOARD_JSON, STORYBOARD_HTML, BOOK_JSON] {
        let ask = GetArtefact { principal: Principal::NODE, project, name: name.to_owned() };
        let found = node.core.call(ask, context()).await?;
        let bytes = fetch_whole(node.bulk.as_ref(), scope, found.digest, MAX_FILE_BYTES).await?;
        let path = args.out.join(name);
        input::replace(&path, &bytes)?;
        files.push(path);
    }
    if args.json {
        let line = serde_json::to_string(&Done { event: "done", files: &files }).unwrap_or_default();
        let _ = writeln!(std::io::stdout(), "{line}");
    } else {
        for path in &files {
            println!("{}", path.display());
        }
    }
    Ok(())
}
