//! EPUB 3 out of a story, the same bytes every time.

use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::source::{Block, Chapter, Spans, Story};

const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"#;

const STYLE: &str = "body { margin: 5%; line-height: 1.4; }
h1 { font-size: 1.4em; margin: 2em 0 1em; }
p { margin: 0; text-indent: 1.2em; }
h1 + p, hr + p, blockquote + p { text-indent: 0; }
hr { border: 0; margin: 1.5em 0; text-align: center; }
hr::before { content: \"\\2042\"; }
blockquote { margin: 1em 2em; }
blockquote p { text-indent: 0; }
";

/// The whole file.
///
/// # Errors
/// None that a valid story can cause.
pub fn write(story: &Story) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, body: &str| -> Result<()> {
        // The container format wants `mimetype` first and uncompressed; a fixed time keeps the bytes.
        let method = if name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        zip.start_file(name, options).with_context(|| format!("can't start {name}"))?;
        zip.write_all(body.as_bytes()).with_context(|| format!("can't write {name}"))
    };
    put("mimetype", "application/epub+zip")?;
    put("META-INF/container.xml", CONTAINER)?;
    put("EPUB/package.opf", &package(story))?;
    put("EPUB/nav.xhtml", &navigation(story))?;
    put("EPUB/style.css", STYLE)?;
    for (index, chapter) in story.chapters.iter().enumerate() {
        put(&format!("EPUB/{}", file_name(index)), &page(story, chapter))?;
    }
    Ok(zip.finish().context("can't complete the file")?.into_inner())
}

fn file_name(index: usize) -> String {
    format!("chapter-{:02}.xhtml", index + 1)
}

fn package(story: &Story) -> String {
    let mut manifest = String::new();
    let mut spine = String::new();
    for index in 0..story.chapters.len() {
        let file = file_name(index);
        manifest += &format!("    <item id=\"c{index}\" href=\"{file}\" media-type=\"application/xhtml+xml\"/>\n");
        spine += &format!("    <itemref idref=\"c{index}\"/>\n");
    }
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="{language}">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">{identifier}</dc:identifier>
    <dc:title>{title}</dc:title>
    <dc:creator>{author}</dc:creator>
    <dc:language>{language}</dc:language>
    <meta property="dcterms:modified">{modified}</meta>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="style" href="style.css" media-type="text/css"/>
{manifest}  </manifest>
  <spine>
{spine}  </spine>
</package>
"#,
        language = story.language,
        identifier = escaped(&story.identifier),
        title = escaped(&story.title),
        author = escaped(&story.author),
        modified = escaped(&story.modified),
    )
}

fn navigation(story: &Story) -> String {
    let mut body = format!("<nav epub:type=\"toc\">\n<h1>{}</h1>\n<ol>\n", escaped(&story.title));
    for (index, chapter) in story.chapters.iter().enumerate() {
        body += &format!("<li><a href=\"{}\">{}</a></li>\n", file_name(index), inline(&chapter.title));
    }
    xhtml(story, &story.title, &format!("{body}</ol>\n</nav>\n"))
}

fn page(story: &Story, chapter: &Chapter) -> String {
    let mut body = format!("<section epub:type=\"chapter\">\n<h1>{}</h1>\n", inline(&chapter.title));
    for block in &chapter.blocks {
        body += &match block {
            Block::Paragraph(spans) => format!("<p>{}</p>\n", inline(spans)),
            Block::Break => "<hr/>\n".to_owned(),
            Block::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(inline).collect();
                format!("<blockquote><p>{}</p></blockquote>\n", lines.join("<br/>\n"))
            }
        };
    }
    let title: String = chapter.title.iter().map(|(text, _)| text.as_str()).collect();
    xhtml(story, &title, &format!("{body}</section>\n"))
}

fn xhtml(story: &Story, title: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}" xml:lang="{language}">
<head>
<title>{title}</title>
<link rel="stylesheet" type="text/css" href="style.css"/>
</head>
<body>
{body}</body>
</html>
"#,
        language = story.language,
        title = escaped(title),
    )
}

fn inline(spans: &Spans) -> String {
    let piece = |(text, emphasis): &(String, bool)| {
        if *emphasis { format!("<em>{}</em>", escaped(text)) } else { escaped(text) }
    };
    spans.iter().map(piece).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn story() -> Story {
        let text = "title: T & Co\nauthor: A\nlanguage: en\nidentifier: urn:x\nmodified: 2025-01-15T00:00:00Z\n\n# One\n\nA < *b*.\n\n***\n\n> x\n> y\n";
        super::super::source::parse(text).expect("a story")
    }

    #[test]
    fn the_same_story_gives_the_same_bytes() {
        assert_eq!(write(&story()).expect("written"), write(&story()).expect("written"));
    }

    #[test]
    fn the_file_opens_as_an_epub_does() {
        let bytes = write(&story()).expect("written");
        assert_eq!(&bytes[30..58], b"mimetypeapplication/epub+zip", "first, uncompressed, with no extra field");
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
        let mut page = String::new();
        zip.by_name("EPUB/chapter-01.xhtml").expect("there").read_to_string(&mut page).expect("text");
        for part in ["<p>A &lt; <em>b</em>.</p>", "<hr/>", "<blockquote><p>x<br/>\ny</p></blockquote>"] {
            assert!(page.contains(part), "{page}");
        }
        let mut package = String::new();
        zip.by_name("EPUB/package.opf").expect("there").read_to_string(&mut package).expect("text");
        assert!(
            package.contains("<dc:title>T &amp; Co</dc:title>") && package.contains("chapter-01.xhtml"),
            "{package}"
        );
    }
}
