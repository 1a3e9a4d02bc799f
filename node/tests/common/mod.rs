//! What the tests of the whole program share: real processes, real sockets, real files.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use domain::book::Book;
use domain::storyboard::{Evidence, Storyboard};

pub mod browser;
pub mod http;

/// The program under test, on the deterministic double: what it does, not what it understands.
pub fn visiobook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visiobook"));
    command.env("VISIOBOOK__MODEL__PATH", "double").current_dir(std::env::temp_dir());
    command.stdin(Stdio::null());
    command
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A sample book; `cargo xtask setup` makes the EPUBs.
pub fn sample(name: &str) -> PathBuf {
    let path = repository("samples").join(name);
    assert!(path.is_file(), "{} is not there: run `cargo xtask setup`", path.display());
    path
}

pub const ENGLISH: &str = "winter-loan.en.epub";
pub const FRENCH: &str = "ombre-a-louer.fr.epub";

/// Whole books for measuring, where this machine has them.
pub fn shared_books() -> Vec<PathBuf> {
    let folder = repository("../shared/data/books");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the folder of whole books ({}) is not on this machine", folder.display());
        return Vec::new();
    };
    let known = |path: &PathBuf| path.extension().is_some_and(|e| e == "epub" || e == "txt");
    let mut books: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(known).collect();
    books.sort();
    books
}

/// The model that set-up made, unless another one is named.
pub fn model() -> Option<PathBuf> {
    let named = std::env::var_os("VISIOBOOK_MODEL").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| node::config::Config::default().model.folder());
    if !folder.join("model.safetensors").is_file() {
        println!("skipped: no model in {}; `cargo xtask setup` makes it", folder.display());
        return None;
    }
    Some(folder)
}

/// Runs to the end, which must be a success.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}: {text}", output.status);
    output
}

pub fn analyze(book: &Path, out: &Path) -> Command {
    let mut command = visiobook();
    command.arg("analyze").arg(book).arg("--out").arg(out);
    command
}

/// Waits for what comes in its own time, however busy the machine is: a minute at most.
pub fn until(wanted: &str, is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "in vain: {wanted}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A child that does not outlive its test.
pub struct Running(pub Child);

impl Running {
    /// Stops it as a power cut would.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to stop, as Ctrl-C does, and waits.
    pub fn interrupt(mut self) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A served node on any free port.
pub struct Server {
    pub running: Running,
    /// Such as `127.0.0.1:41234`.
    pub address: String,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &mut visiobook())
    }

    pub fn start_with(data: &Path, command: &mut Command) -> Self {
        Self::start_at(data, command, 0)
    }

    /// On a port that is known to be free; on any, for 0.
    pub fn start_at(data: &Path, command: &mut Command, port: u16) -> Self {
        Self::try_start_at(data, command, port).expect("it ended before it served")
    }

    /// `None` if it ended before it served.
    pub fn try_start_with(data: &Path, command: &mut Command) -> Option<Self> {
        Self::try_start_at(data, command, 0)
    }

    fn try_start_at(data: &Path, command: &mut Command, port: u16) -> Option<Self> {
        command.args(["serve", "--port", &port.to_string(), "--data-dir"]).arg(data);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let running = Running(child);
        if line.is_empty() {
            return None;
        }
        let url = line.split_whitespace().find_map(|word| word.split_once("://").map(|(_, address)| address));
        Some(Self { address: url.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned(), running })
    }
}

/// What `analyze` wrote.
pub struct Results {
    pub board: Storyboard,
    pub book: Book,
    pub json: Vec<u8>,
    pub html: String,
}

pub fn results(out: &Path) -> Results {
    let json = std::fs::read(out.join("storyboard.json")).unwrap();
    Results {
        board: serde_json::from_slice(&json).unwrap(),
        book: serde_json::from_slice(&std::fs::read(out.join("book.json")).unwrap()).unwrap(),
        html: std::fs::read_to_string(out.join("storyboard.html")).unwrap(),
        json,
    }
}

/// The evidence contract, from the files alone: every quotation stands in the book's canonical text at its
/// offsets, and in the source file at its range.
pub fn check_evidence(source: &Path, results: &Results) {
    story::check(&results.book, &results.board).unwrap();
    let bytes = std::fs::read(source).unwrap();
    let name = source.file_name().unwrap().to_string_lossy();
    let source = book::provenance::Source::open(&name, &bytes, &book::Limits::default()).unwrap();
    book::provenance::check(&results.book, &source).unwrap();
    let board = &results.board;
    let quoted = board.scenes.iter().flat_map(|scene| {
        let panels = scene.panels.iter().flat_map(|panel| &panel.evidence);
        scene.summary.iter().chain(panels)
    });
    let mut count = 0;
    for evidence in quoted.chain(board.names.iter().map(|name| &name.first)) {
        check_quotation(&results.book, &source, evidence);
        count += 1;
    }
    assert!(count > 0, "a storyboard that quotes nothing");
}

fn check_quotation(book: &Book, source: &book::provenance::Source<'_>, evidence: &Evidence) {
    let chapter = &book.chapters[evidence.chapter as usize];
    assert_eq!(chapter.text[evidence.start as usize..evidence.end as usize], evidence.text);
    let range = domain::book::SourceRange {
        href: evidence.source_href.clone(),
        start: evidence.source_start,
        end: evidence.source_end,
    };
    assert_eq!(source.text(&range).unwrap(), evidence.text);
}

/// Everything below a folder, to see that nothing was left behind.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Lines of a pipe, until one satisfies.
pub fn wait_for_line(pipe: impl Read, mut satisfies: impl FnMut(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(pipe).lines() {
        let line = line.unwrap();
        let found = satisfies(&line);
        lines.push(line);
        if found {
            return lines;
        }
    }
    panic!("the pipe ended before the line came: {lines:?}");
}
