//! `storyboard.html`: one file that needs nothing else, no script, no network.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use domain::book::Book;
use domain::edit::{EditedStoryboard, EditorMark};
use domain::id::Digest;
use domain::language::Language;
use domain::storyboard::{Evidence, Panel, Scene, StoryChapter, Storyboard};
use domain::text::Text;

const STYLE: &str = include_str!("storyboard.css");

/// The policy that the document declares for itself: nothing is loaded or run, and no style applies but its
/// own. A server that sends the document should send this as its header too.
pub fn content_security_policy() -> String {
    let style = base64(&Digest::of(STYLE.as_bytes()).0);
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

/// The storyboard as one HTML document, in the book's language: headings and landmarks for screen readers,
/// light and dark, for phones and for paper. Everything that comes from the book is escaped.
pub fn to_html(book: &Book, board: &Storyboard) -> String {
    let mut html = String::with_capacity(4096 + board.scenes.len() * 4096);
    let page = Page { book, board, language: board.language, marks: &HashMap::new() };
    // Writing to a String can't fail; the Result is only there for `write!`.
    let _ = page.write(&mut html);
    html
}

/// The same of an edited storyboard, as readers see it: hidden panels are left out, captions stand apart from what the
/// book says, notes are for editors only.
pub fn edited_to_html(book: &Book, board: &EditedStoryboard) -> String {
    let (shown, marks) = crate::editing::as_readers_see_it(board);
    let mut html = String::with_capacity(4096 + shown.scenes.len() * 4096);
    let page = Page { book, board: &shown, language: board.language, marks: &marks };
    let _ = page.write(&mut html);
    html
}

struct Page<'a> {
    book: &'a Book,
    board: &'a Storyboard,
    language: Language,
    /// What editors say of panels, by index.
    marks: &'a HashMap<u32, EditorMark>,
}

impl Page<'_> {
    fn text(&self, key: Text) -> &'static str {
        self.language.text(key)
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let title = Escaped(&self.board.title);
        let (lang, policy) = (self.language.tag(), content_security_policy());
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", Escaped(&policy))?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(out, "<title>{title} – {}</title>", self.text(Text::StoryStoryboard))?;
        writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>")?;
        writeln!(out, "<a class=\"skip\" href=\"#scenes\">{}</a>", self.text(Text::StorySkip))?;
        self.header(out)?;
        self.contents(out)?;
        writeln!(out, "<main id=\"scenes\">")?;
        self.names(out)?;
        for chapter in &self.board.chapters {
            self.chapter(out, chapter)?;
        }
        let about = if self.marks.is_empty() { Text::StoryAbout } else { Text::StoryAboutEdited };
        writeln!(out, "</main>\n<footer><p class=\"about\">{}</p></footer>", self.text(about))?;
        writeln!(out, "</body>\n</html>")
    }

    fn header(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "<header>\n<h1>{}</h1>", Escaped(&self.board.title))?;
        if !self.board.authors.is_empty() {
            writeln!(out, "<p>{}</p>", Escaped(&self.board.authors.join(", ")))?;
        }
        let panels: usize = self.board.scenes.iter().map(|s| s.panels.len()).sum();
        let facts = [
            (Text::StoryChapters, self.board.chapters.len()),
            (Text::StoryScenes, self.board.scenes.len()),
            (Text::StoryPanels, panels),
        ];
        let facts: Vec<String> = facts.iter().map(|(key, n)| self.counted(*key, *n)).collect();
        let source = Escaped(&self.book.source.name);
        writeln!(out, "<p class=\"facts\">{} · {source}</p>\n</header>", facts.join(" · "))
    }

    fn counted(&self, key: Text, count: usize) -> String {
        let space = if self.language == Language::Fr { "\u{a0}" } else { "" };
        format!("{}{space}: {count}", self.text(key))
    }

    fn contents(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "<nav aria-label=\"{}\">\n<ol>", self.text(Text::StoryChapters))?;
        for chapter in &self.board.chapters {
            let heading = self.heading(chapter);
            writeln!(out, "<li><a href=\"#chapter-{}\">{}</a></li>", chapter.chapter + 1, Escaped(&heading))?;
        }
        writeln!(out, "</ol>\n</nav>")
    }

    fn heading(&self, chapter: &StoryChapter) -> String {
        match chapter.title.as_deref() {
            Some(title) if !title.trim().is_empty() => title.to_owned(),
            _ => format!("{} {}", self.text(Text::StoryChapter), chapter.chapter + 1),
        }
    }

    fn names(&self, out: &mut String) -> fmt::Result {
        if self.board.names.is_empty() {
            return Ok(());
        }
        let heading = self.text(Text::StoryNames);
        writeln!(out, "<section aria-labelledby=\"names\">\n<h2 id=\"names\">{heading}</h2>")?;
        writeln!(out, "<p class=\"about\">{}</p>\n<ul class=\"names\">", self.text(Text::StoryNamesRule))?;
        for name in &self.board.names {
            writeln!(out, "<li>{} × {}</li>", Escaped(&name.name), name.count)?;
        }
        writeln!(out, "</ul>\n</section>")
    }

    fn chapter(&self, out: &mut String, chapter: &StoryChapter) -> fmt::Result {
        let (number, heading) = (chapter.chapter + 1, self.heading(chapter));
        writeln!(out, "<section aria-labelledby=\"chapter-{number}\">")?;
        writeln!(out, "<h2 id=\"chapter-{number}\">{}</h2>", Escaped(&heading))?;
        let scenes = chapter.first_scene as usize..(chapter.first_scene + chapter.scenes) as usize;
        for scene in self.board.scenes.get(scenes).unwrap_or_default() {
            self.scene(out, scene)?;
        }
        writeln!(out, "</section>")
    }

    fn scene(&self, out: &mut String, scene: &Scene) -> fmt::Result {
        let number = scene.index + 1;
        writeln!(out, "<article class=\"scene\" aria-labelledby=\"scene-{number}\">")?;
        writeln!(out, "<h3 id=\"scene-{number}\">{} {number}</h3>", self.text(Text::StoryScene))?;
        write!(out, "<blockquote class=\"summary\">")?;
        quoted(out, &scene.summary)?;
        writeln!(out, "</blockquote>")?;
        self.name_list(out, &scene.names)?;
        writeln!(out, "<ol class=\"panels\">")?;
        for panel in &scene.panels {
            self.panel(out, panel)?;
        }
        writeln!(out, "</ol>\n</article>")
    }

    fn name_list(&self, out: &mut String, names: &[u32]) -> fmt::Result {
        let names: Vec<&str> = self.names_of(names).collect();
        if names.is_empty() {
            return Ok(());
        }
        writeln!(out, "<ul class=\"names\" aria-label=\"{}\">", self.text(Text::StoryNames))?;
        names.iter().try_for_each(|name| writeln!(out, "<li>{}</li>", Escaped(name)))?;
        writeln!(out, "</ul>")
    }

    fn names_of<'s>(&'s self, names: &'s [u32]) -> impl Iterator<Item = &'s str> {
        names.iter().filter_map(|&n| self.board.names.get(n as usize)).map(|n| n.name.as_str())
    }

    fn panel(&self, out: &mut String, panel: &Panel) -> fmt::Result {
        write!(out, "<li id=\"panel-{}\"><figure><blockquote>", panel.index + 1)?;
        quoted(out, &panel.evidence)?;
        let (label, seconds) = (self.text(Text::StoryPanel), (panel.duration_ms + 500) / 1000);
        write!(out, "</blockquote><figcaption>")?;
        let mark = self.marks.get(&panel.index);
        if let Some(caption) = mark.and_then(|mark| mark.caption.as_deref()) {
            let whose = self.text(Text::StoryEditor);
            write!(out, "<p class=\"editor\">{} <small>({whose})</small></p>", Escaped(caption))?;
        }
        write!(out, "{label} {} · {seconds}\u{a0}s", panel.index + 1)?;
        if let Some(shot) = mark.and_then(|mark| mark.shot) {
            write!(out, " · {}", self.text(shot.text()))?;
        }
        if panel.dialogue {
            write!(out, " · <span class=\"talk\">{}</span>", self.text(Text::StoryDialogue))?;
        }
        let names: Vec<&str> = self.names_of(&panel.names).collect();
        if !names.is_empty() {
            write!(out, " · {}", Escaped(&names.join(", ")))?;
        }
        let (first, last) = match (panel.evidence.first(), panel.evidence.last()) {
            (Some(first), Some(last)) => (first, last),
            _ => return writeln!(out, "</figcaption></figure></li>"),
        };
        let (source, bytes) = (self.text(Text::StorySource), self.text(Text::StoryBytes));
        let (href, start, end) = (Escaped(&first.source_href), first.source_start, last.source_end);
        writeln!(out, "<br><small>{source} {href}, {bytes} {start}–{end}</small></figcaption></figure></li>")
    }
}

/// Sentences of the book, each a paragraph of its own.
fn quoted(out: &mut String, list: &[Evidence]) -> fmt::Result {
    list.iter().try_for_each(|quoted| write!(out, "<p>{}</p>", Escaped(&quoted.text)))
}

/// Text made harmless for elements and for quoted attributes. Characters that HTML forbids are replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &b| bits << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit <= chunk.len() { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    out
}
