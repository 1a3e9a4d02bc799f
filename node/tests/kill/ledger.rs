//! What a client was told, and what it was asking when the node died.

use std::sync::Mutex;

/// Something that changes by requests: how it stood by the last answer, and how it was just asked to stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told<T> {
    pub answered: T,
    pub asked: Option<T>,
}

impl<T: Clone + PartialEq> Told<T> {
    pub fn new(answered: T) -> Self {
        Self { answered, asked: None }
    }

    /// Whether it may stand so: a request without an answer has happened or has not.
    pub fn allows(&self, found: &T) -> bool {
        self.answered == *found || self.asked.as_ref() == Some(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Life {
    Live,
    Deleted,
    Erased,
}

/// A project.
#[derive(Clone, Debug)]
pub struct ProjectEntry {
    /// Digest of the file that it was made of; no other project is made of it.
    pub first_book: String,
    /// Known once its making was answered.
    pub id: Option<String>,
    pub life: Told<Life>,
    /// `None`: the book's title.
    pub name: Told<Option<String>>,
    /// Digest of the newest revision.
    pub book: Told<String>,
    /// Runs that were begun: how many, and those whose ids are known.
    pub runs: Told<u64>,
    pub known_runs: Vec<String>,
    /// Entries of the first run's log of edits.
    pub edits: Told<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stand {
    /// So many bytes are there.
    Open(usize),
    Removed,
    /// A project was made of it.
    Taken,
}

/// An upload.
#[derive(Clone, Debug)]
pub struct UploadEntry {
    pub path: String,
    pub bytes: Vec<u8>,
    pub stand: Told<Stand>,
    /// Place of its project in the ledger, once that was asked for.
    pub project: Option<usize>,
}

/// A webhook, by its address, which no other has.
#[derive(Clone, Debug)]
pub struct WebhookEntry {
    pub url: String,
    pub there: Told<bool>,
}

/// All that was asked of one node.
#[derive(Default)]
pub struct Ledger {
    pub webhooks: Mutex<Vec<WebhookEntry>>,
    pub projects: Mutex<Vec<ProjectEntry>>,
    pub uploads: Mutex<Vec<UploadEntry>>,
}

impl Ledger {
    /// Notes that a project of a file is being asked for; its place.
    pub fn ask_project(&self, digest: String) -> usize {
        let mut projects = self.projects.lock().unwrap();
        projects.push(ProjectEntry {
            first_book: digest.clone(),
            id: None,
            life: Told::new(Life::Live),
            name: Told::new(None),
            book: Told::new(digest),
            runs: Told::new(1),
            known_runs: Vec::new(),
            edits: Told::default(),
        });
        projects.len() - 1
    }

    /// Notes that a webhook is being asked for; its place.
    pub fn ask_webhook(&self, url: String) -> usize {
        let mut webhooks = self.webhooks.lock().unwrap();
        webhooks.push(WebhookEntry { url, there: Told { answered: false, asked: Some(true) } });
        webhooks.len() - 1
    }

    pub fn webhook<T>(&self, place: usize, change: impl FnOnce(&mut WebhookEntry) -> T) -> T {
        change(&mut self.webhooks.lock().unwrap()[place])
    }

    pub fn project<T>(&self, place: usize, change: impl FnOnce(&mut ProjectEntry) -> T) -> T {
        change(&mut self.projects.lock().unwrap()[place])
    }

    pub fn upload<T>(&self, place: usize, change: impl FnOnce(&mut UploadEntry) -> T) -> T {
        change(&mut self.uploads.lock().unwrap()[place])
    }
}
