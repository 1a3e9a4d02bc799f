//! PDFs: what their typesetting hid is found again, and what costs too much is stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use book::provenance::{Source, check};
use book::{BookError, Limits, read, read_pdf_layout};
use domain::book::{Book, Format, ParagraphKind};

use crate::fixture::{asides, book_of, shown, titles};
use crate::pdf_file::{Pdf, Sheet, centred, wrap};

const SIZE: f32 = 10.0;
const LEADING: f32 = 13.0;
/// Characters of a line of the whole page, and of a column.
const CHARS: usize = 52;
const COLUMN_CHARS: usize = 25;

/// Paragraphs of different words, long enough to fill a page.
fn prose(from: usize, count: usize) -> Vec<String> {
    let people = ["The miller", "Her brother", "An old sailor", "The schoolmaster", "Nobody", "The lamplighter"];
    let deeds =
        ["crossed the bridge", "waited by the gate", "counted the windows", "wrote a long letter", "lit the stove"];
    let times =
        ["before the rain began", "when the bells had stopped", "on the last day of the fair", "as he always did"];
    (from..from + count)
        .map(|i| {
            let sentence = |k: usize| {
                format!(
                    "{} {} {}.",
                    people[k % people.len()],
                    deeds[(k / 2) % deeds.len()],
                    times[(k / 3) % times.len()]
                )
            };
            format!("{} {} {}", sentence(i), sentence(i + 7), sentence(i * 3 + 1))
        })
        .collect()
}

fn set(sheet: &mut Sheet, x: f32, y: f32, chars: usize, paragraphs: &[String]) -> f32 {
    let mut y = y;
    for paragraph in paragraphs {
        let lines = wrap(paragraph, chars);
        y = sheet.lines(x, y, SIZE, LEADING, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    y
}

/// A book of two chapters on four pages, with heads that alternate and numbers at the foot.
fn novel() -> Pdf {
    let heading = |sheet: &mut Sheet, text: &str| {
        sheet.text(centred(text, 16.0), 120.0, 16.0, text);
    };
    let foot = |sheet: &mut Sheet, number: &str| {
        sheet.text(centred(number, 9.0), 560.0, 9.0, number);
    };
    Pdf::default()
        .info("The Miller", "Jane Ash")
        .page(|sheet| {
            heading(sheet, "CHAPTER I");
            set(sheet, 50.0, 160.0, CHARS, &prose(0, 6));
            foot(sheet, "11");
        })
        .page(|sheet| {
            sheet.text(50.0, 40.0, 9.0, "12   THE MILLER");
            set(sheet, 50.0, 70.0, CHARS, &prose(6, 7));
        })
        .page(|sheet| {
            heading(sheet, "CHAPTER II");
            set(sheet, 50.0, 160.0, CHARS, &prose(13, 6));
            foot(sheet, "13");
        })
        .page(|sheet| {
            sheet.text(50.0, 40.0, 9.0, "14   THE MILLER");
            set(sheet, 50.0, 70.0, CHARS, &prose(19, 7));
        })
}

fn stories(book: &Book) -> Vec<String> {
    let story = |chapter: &domain::book::Chapter| {
        let paragraphs = chapter.paragraphs.iter().filter(|p| p.kind != ParagraphKind::Heading);
        paragraphs.map(|p| chapter.text[p.start as usize..p.end as usize].to_owned()).collect::<Vec<_>>()
    };
    book.chapters.iter().flat_map(story).collect()
}

#[test]
fn a_novel_is_given_back_without_its_heads_and_numbers() {
    let book = book_of("miller.pdf", &novel().bytes());
    assert_eq!(
        (book.source.format, book.title.as_str(), book.authors.as_slice()),
        (Format::Pdf, "The Miller", ["Jane Ash".to_owned()].as_slice())
    );
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
    assert_eq!(stories(&book), prose(0, 26));
    let labels: Vec<Vec<&str>> =
        book.chapters.iter().map(|chapter| chapter.pages.iter().map(|page| page.label.as_str()).collect()).collect();
    assert_eq!(labels, [["11", "12"], ["13", "14"]]);
}

#[test]
fn a_sentence_that_runs_over_two_pages_is_one() {
    let words = "It was late and the road was long, so that the miller, who had been walking since the morning, sat down on a stone by the ford and slept there until the moon was up again.";
    let lines = wrap(words, CHARS);
    let book = |break_at: usize| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let bytes = Pdf::default()
            .page(|sheet| {
                let y = set(sheet, 50.0, 60.0, CHARS, &prose(0, 7));
                sheet.lines(50.0, y, SIZE, LEADING, &lines[..break_at]);
                sheet.text(200.0, 560.0, 9.0, "1");
            })
            .page(|sheet| {
                let y = sheet.lines(50.0, 60.0, SIZE, LEADING, &lines[break_at..]);
                set(sheet, 50.0, y, CHARS, &prose(7, 7));
                sheet.text(200.0, 560.0, 9.0, "2");
            })
            .bytes();
        book_of("ford.pdf", &bytes)
    };
    for break_at in 1..lines.len() {
        let book = book(break_at);
        let stories = stories(&book);
        assert_eq!(stories[7], words);
        let found = book.chapters[0].sentences.iter().find(|s| s.source.href == "page 1" && s.paragraph == 7).unwrap();
        assert_eq!(&book.chapters[0].text[found.start as usize..found.end as usize], words);
        assert_eq!(book.chapters[0].pages[1].label, "2");
    }
}

#[test]
fn columns_are_read_one_after_the_other_under_a_heading_across_both() {
    let (left, right) = (prose(0, 4), prose(4, 4));
    let book = book_of(
        "columns.pdf",
        &Pdf::default()
            .page(|sheet| {
                sheet.text(centred("CHAPTER I", 16.0), 60.0, 16.0, "CHAPTER I");
                set(sheet, 40.0, 100.0, COLUMN_CHARS, &left);
                set(sheet, 220.0, 106.0, COLUMN_CHARS, &right);
            })
            .page(|sheet| {
                set(sheet, 40.0, 100.0, COLUMN_CHARS, &prose(8, 4));
                set(sheet, 220.0, 100.0, COLUMN_CHARS, &prose(12, 1));
            })
            .bytes(),
    );
    assert_eq!(titles(&book), ["CHAPTER I"]);
    assert_eq!(stories(&book), prose(0, 13));
}

#[test]
fn divided_words_are_mended_and_real_hyphens_kept() {
    let mut filler = prose(0, 3);
    filler.push(
        "The lamplighter saw the well-known merry-go-round from the bridge and the schoolmaster in it.".to_owned(),
    );
    let lines = [
        ">Nobody would have believed it, and yet the lamp-",
        "lighter said it was the well-",
        "known merry-go-round from the fair, that the school-",
        "master had bought for the children in the ware-",
        "house down by the river.",
    ];
    let bytes = Pdf::default()
        .page(|sheet| {
            let y = set(sheet, 50.0, 60.0, CHARS, &filler);
            sheet.lines(50.0, y, SIZE, LEADING, &lines);
        })
        .bytes();
    let book = book_of("hyphens.pdf", &bytes);
    assert_eq!(
        stories(&book)[4],
        "Nobody would have believed it, and yet the lamplighter said it was the well-known merry-go-round from the fair, \
         that the schoolmaster had bought for the children in the warehouse down by the river."
    );
}

#[test]
fn footnotes_stand_apart_and_lead_back_to_their_marks() {
    let bytes = Pdf::default()
        .page(|sheet| {
            let y = set(sheet, 50.0, 60.0, CHARS, &prose(0, 5));
            sheet.text(50.0 + 20.0, y, SIZE, "They crossed at Oldford");
            sheet.text(50.0 + 20.0 + 23.0 * 6.0, y - 4.0, 6.0, "1");
            sheet.text(50.0 + 20.0 + 23.0 * 6.0 + 9.0, y, SIZE, "and went home to the mill.");
            let y = set(sheet, 50.0, y + LEADING, CHARS, &prose(5, 1));
            sheet.text(50.0, y + 30.0, 7.0, "1 A village that the flood of that year carried away; it was");
            sheet.text(50.0, y + 39.0, 7.0, "never built again.");
            sheet.text(200.0, 570.0, 9.0, "7");
        })
        .page(|sheet| {
            set(sheet, 50.0, 60.0, CHARS, &prose(6, 6));
            sheet.text(200.0, 570.0, 9.0, "8");
        })
        .bytes();
    let book = book_of("notes.pdf", &bytes);
    insta::assert_snapshot!(shown(&book));
    let note = &book.notes[0];
    let anchor = note.anchor.unwrap();
    assert!(book.chapters[anchor.chapter as usize].text[..anchor.at as usize].ends_with("They crossed at Oldford"));
}

#[test]
fn a_drop_capital_belongs_to_its_word() {
    let mut lines = wrap(
        "nce upon a time the miller had crossed the bridge before anybody else was up, and nobody knew of it but the old sailor who never slept.",
        46,
    );
    lines[0] = lines[0].trim_start_matches('>').to_owned();
    let bytes = Pdf::default()
        .page(|sheet| {
            sheet.text(50.0, 75.0, 30.0, "O");
            for (index, line) in lines.iter().enumerate() {
                let x = if index < 2 { 50.0 + 20.0 } else { 50.0 };
                sheet.text(x, 64.0 + LEADING * index as f32, SIZE, line);
            }
            set(sheet, 50.0, 64.0 + LEADING * lines.len() as f32, CHARS, &prose(0, 6));
        })
        .bytes();
    let book = book_of("capital.pdf", &bytes);
    assert!(stories(&book)[0].starts_with("Once upon a time the miller"), "{}", stories(&book)[0]);
    assert_eq!(stories(&book).len(), 7);
}

#[test]
fn an_outline_gives_contents_and_chapters_whose_headings_say_nothing() {
    let bytes = Pdf::default()
        .outline("The Bridge", 0)
        .outline("The Ford", 1)
        .page(|sheet| {
            sheet.text(50.0, 60.0, SIZE, "The Bridge");
            set(sheet, 50.0, 100.0, CHARS, &prose(0, 6));
        })
        .page(|sheet| {
            sheet.text(50.0, 60.0, SIZE, "The Ford");
            set(sheet, 50.0, 100.0, CHARS, &prose(6, 6));
        })
        .bytes();
    let book = book_of("outline.pdf", &bytes);
    assert_eq!(titles(&book), ["The Bridge", "The Ford"]);
    let contents: Vec<(&str, Option<u32>)> =
        book.contents.iter().map(|line| (line.title.as_str(), line.chapter)).collect();
    assert_eq!(contents, [("The Bridge", Some(0)), ("The Ford", Some(1))]);
    assert_eq!(stories(&book), prose(0, 12));
}

#[test]
fn a_table_of_contents_with_dots_is_set_aside() {
    let bytes = Pdf::default()
        .page(|sheet| {
            sheet.text(50.0, 60.0, 16.0, "Contents");
            sheet.lines(
                50.0,
                100.0,
                SIZE,
                LEADING,
                &["CHAPTER I ................................... 2", "CHAPTER II .................................. 3"],
            );
        })
        .page(|sheet| {
            sheet.text(50.0, 60.0, 16.0, "CHAPTER I");
            set(sheet, 50.0, 100.0, CHARS, &prose(0, 6));
        })
        .page(|sheet| {
            sheet.text(50.0, 60.0, 16.0, "CHAPTER II");
            set(sheet, 50.0, 100.0, CHARS, &prose(6, 6));
        })
        .bytes();
    let book = book_of("contents.pdf", &bytes);
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
    assert_eq!(asides(&book), ["table-of-contents"]);
}

/// Poppler's output for lines of words; each word with the space behind it is as wide as its characters.
fn layout(lines: &[&str]) -> String {
    let mut out =
        String::from("<html><head><title></title></head><body><doc><page width=\"420\" height=\"595\"><flow><block>");
    for (row, line) in lines.iter().enumerate() {
        let (y0, y1) = (60.0 + 13.0 * row as f32, 70.0 + 13.0 * row as f32);
        out += "<line>";
        let mut x = 50.0;
        for word in line.split(' ') {
            let width = 6.0 * word.chars().count() as f32;
            out += &format!("<word xMin=\"{x}\" yMin=\"{y0}\" xMax=\"{}\" yMax=\"{y1}\">{word}</word>", x + width);
            x += width + 6.0;
        }
        out += "</line>";
    }
    out + "</block></flow></page></doc></body></html>"
}

#[test]
fn ligatures_accents_apart_and_soft_hyphens_are_read_as_what_they_show() {
    let output = layout(&[
        "The of\u{fb01}ce was dif\u{fb01}cult to \u{fb01}nd, and the sailor\u{2019}s \u{fb02}ag was",
        "at the cafe\u{301}, where his \u{fb01}ance\u{301}e had asked the whole as\u{ad}",
        "sembly to wait for him &amp; the old dog by the stove.",
    ]);
    let book = read_pdf_layout(output.as_bytes(), b"", &Limits::default()).unwrap();
    let source = Source::of_pdf_layout(output.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(check(&book, &source), Ok(1));
    assert_eq!(
        stories(&book),
        [
            "The office was difficult to find, and the sailor’s flag was at the café, where his fiancée had asked the whole \
          assembly to wait for him & the old dog by the stove."
        ]
    );
}

#[test]
fn a_scan_is_named_as_such() {
    let scan = |pages: usize| {
        (0..pages).fold(Pdf::default(), |pdf, _| {
            pdf.page(|sheet| {
                sheet.picture();
            })
        })
    };
    assert_eq!(refusal(&scan(5).bytes(), &Limits::default()), BookError::PdfOfPictures { pages: 5 });
    let stamped = (1..=5).fold(Pdf::default(), |pdf, number| {
        pdf.page(|sheet| {
            sheet.picture().text(200.0, 570.0, 9.0, &number.to_string());
        })
    });
    assert_eq!(refusal(&stamped.bytes(), &Limits::default()), BookError::PdfOfPictures { pages: 5 });
}

#[test]
fn a_locked_pdf_is_refused() {
    assert_eq!(refusal(&novel().locked().bytes(), &Limits::default()), BookError::Encrypted);
}

#[test]
fn a_pdf_cut_anywhere_is_refused() {
    let whole = novel().bytes();
    for cut in 1..24 {
        let bytes = &whole[..whole.len() * cut / 24];
        assert_eq!(refusal(bytes, &Limits::default()), BookError::Truncated, "{cut}/24");
    }
}

#[test]
fn a_pdf_with_damage_within_is_read_or_refused() {
    let whole = novel().bytes();
    for at in (20..whole.len() - 40).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at..at + 24].fill(b'~');
        if let Err(error) = read("miller.pdf", &bytes, &Limits::default()) {
            let known =
                ["book-damaged", "book-empty", "book-truncated", "book-language-unknown", "book-pdf-of-pictures"];
            assert!(known.contains(&error.code()), "{at}: {error}");
        }
    }
}

#[test]
fn pages_and_output_are_bounded() {
    let bytes = novel().bytes();
    let limits = Limits { pdf_pages: 3, ..Limits::default() };
    assert_eq!(refusal(&bytes, &limits), BookError::PdfTooManyPages { limit: 3 });
    assert!(read("miller.pdf", &bytes, &Limits { pdf_pages: 4, ..Limits::default() }).is_ok());
    let limits = Limits { pdf_output_bytes: 10_000, ..Limits::default() };
    assert_eq!(refusal(&bytes, &limits), BookError::PdfOutputTooLarge { limit_bytes: 10_000 });
}

fn refusal(bytes: &[u8], limits: &Limits) -> BookError {
    read("x.pdf", bytes, limits).unwrap_err()
}

/// Limits whose PDF reader is a script.
fn stand_in(script: &str) -> (tempfile::TempDir, Limits) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pdftotext");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let limits = Limits { pdftotext: path, ..Limits::default() };
    (folder, limits)
}

#[test]
fn a_reader_that_is_not_there_is_named_with_its_package() {
    for program in ["/nowhere/pdftotext", "no-such-pdf-reader"] {
        let limits = Limits { pdftotext: PathBuf::from(program), ..Limits::default() };
        let error = refusal(&novel().bytes(), &limits);
        assert_eq!(error, BookError::PdfReaderMissing { program: program.to_owned() });
        assert!(error.to_string().contains("poppler-utils"));
    }
}

/// Processes with this word among their arguments.
fn running(word: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    arguments.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_hangs_is_killed_with_all_that_it_started() {
    let (_folder, limits) = stand_in("sleep 98765.25 & sleep 98765.25");
    let limits = Limits { time: Duration::from_millis(400), ..limits };
    let started = Instant::now();
    assert_eq!(refusal(&novel().bytes(), &limits).code(), "book-timeout");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // The signal was sent; the system may take a moment to end them all.
    let until = Instant::now() + Duration::from_secs(20);
    while running("98765.25") > 0 {
        assert!(Instant::now() < until, "something is left running");
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_eats_memory_is_stopped() {
    let (_folder, limits) = stand_in("exec tail -n 1 /dev/zero");
    let limits = Limits { pdf_memory_bytes: 64 << 20, ..limits };
    assert_eq!(refusal(&novel().bytes(), &limits), BookError::PdfTooHungry { limit_bytes: 64 << 20 });
}

#[test]
fn a_reader_that_prints_without_end_is_stopped() {
    let (_folder, limits) = stand_in("exec yes '<word xMin=\"1\" yMin=\"1\" xMax=\"2\" yMax=\"2\">word</word>'");
    let limits = Limits { pdf_output_bytes: 1 << 20, ..limits };
    assert_eq!(refusal(&novel().bytes(), &limits), BookError::PdfOutputTooLarge { limit_bytes: 1 << 20 });
    // Complaints without end are read and dropped.
    let (_folder, limits) = stand_in("yes 'Syntax Error' | head -c 3000000 >&2; exit 1");
    assert_eq!(refusal(&novel().bytes(), &limits).code(), "book-damaged");
}

#[test]
fn a_reader_sees_nothing_of_the_environment() {
    let (_folder, limits) =
        stand_in("test -z \"$HOME$USER$CARGO_MANIFEST_DIR$LD_LIBRARY_PATH\" || exec sleep 1000; exit 3");
    assert_eq!(refusal(&novel().bytes(), &limits).code(), "book-damaged");
}
