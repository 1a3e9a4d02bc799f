//! Small PDFs, written by hand: text in Courier at places, so that widths are known.

use std::fmt::Write;

/// Width of a character, in type sizes.
const ADVANCE: f32 = 0.6;

/// A page under construction, A5.
#[derive(Default)]
pub struct Sheet {
    content: String,
}

impl Sheet {
    /// Sets a line whose baseline is `y` points below the page's upper edge.
    pub fn text(&mut self, x: f32, y: f32, size: f32, text: &str) -> &mut Self {
        let mut escaped = String::new();
        for c in text.chars() {
            match c {
                '(' | ')' | '\\' => write!(escaped, "\\{c}").unwrap(),
                ' '..='~' => escaped.push(c),
                // In WinAnsi, what Latin-1 has is where Latin-1 has it.
                '\u{a0}'..='\u{ff}' => write!(escaped, "\\{:03o}", c as u32).unwrap(),
                '—' => escaped.push_str("\\227"),
                '’' => escaped.push_str("\\222"),
                '“' => escaped.push_str("\\223"),
                '”' => escaped.push_str("\\224"),
                other => panic!("{other} is not in this font"),
            }
        }
        writeln!(self.content, "BT /F1 {size} Tf 1 0 0 1 {x} {} Tm ({escaped}) Tj ET", 595.0 - y).unwrap();
        self
    }

    /// Sets lines below one another; a line that starts with `>` is indented.
    pub fn lines(&mut self, x: f32, y: f32, size: f32, leading: f32, lines: &[&str]) -> f32 {
        let mut y = y;
        for line in lines {
            let indent = if line.starts_with('>') { 2.0 * size } else { 0.0 };
            self.text(x + indent, y, size, line.trim_start_matches('>'));
            y += leading;
        }
        y
    }

    /// A picture over the whole page.
    pub fn picture(&mut self) -> &mut Self {
        self.content += "q 420 0 0 595 0 0 cm /I1 Do Q\n";
        self
    }
}

/// Breaks text into lines of at most `chars` characters, the first one shorter by three and marked as indented.
pub fn wrap(text: &str, chars: usize) -> Vec<String> {
    let mut lines = vec![">".to_owned()];
    for word in text.split(' ') {
        let indent = if lines.len() == 1 { 3 } else { 0 };
        let last = lines.last_mut().unwrap();
        if last.trim_start_matches('>').is_empty() || last.chars().count() + 1 + word.chars().count() + indent <= chars
        {
            if !last.trim_start_matches('>').is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Where a line must start to stand in the middle.
pub fn centred(text: &str, size: f32) -> f32 {
    210.0 - text.chars().count() as f32 * ADVANCE * size / 2.0
}

/// A PDF under construction.
#[derive(Default)]
pub struct Pdf {
    sheets: Vec<Sheet>,
    outline: Vec<(String, usize)>,
    info: String,
    /// It claims to be locked by a password that nobody knows.
    locked: bool,
}

impl Pdf {
    pub fn page(mut self, fill: impl FnOnce(&mut Sheet)) -> Self {
        let mut sheet = Sheet::default();
        fill(&mut sheet);
        self.sheets.push(sheet);
        self
    }

    /// A line of the outline that leads to a page, from 0.
    pub fn outline(mut self, title: &str, page: usize) -> Self {
        self.outline.push((title.to_owned(), page));
        self
    }

    pub fn info(mut self, title: &str, author: &str) -> Self {
        self.info = format!("/Title ({title}) /Author ({author})");
        self
    }

    pub fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let pages = self.sheets.len();
        let (first_page, first_line) = (6, 6 + 2 * pages);
        let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", first_page + 2 * page)).collect();
        let outlines = if self.outline.is_empty() { "" } else { "/Outlines 5 0 R" };
        let mut objects = vec![
            format!("<< /Type /Catalog /Pages 2 0 R {outlines} >>"),
            format!("<< /Type /Pages /Kids [{}] /Count {pages} >>", kids.join(" ")),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>".to_owned(),
            stream(
                "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8",
                "x",
            ),
            format!(
                "<< /Type /Outlines /First {first_line} 0 R /Last {} 0 R /Count {} >>",
                first_line + self.outline.len().saturating_sub(1),
                self.outline.len()
            ),
        ];
        for (index, sheet) in self.sheets.iter().enumerate() {
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> >>",
                first_page + 2 * index + 1
            ));
            objects.push(stream("", &sheet.content));
        }
        for (index, (title, page)) in self.outline.iter().enumerate() {
            let next = if index + 1 < self.outline.len() {
                format!("/Next {} 0 R", first_line + index + 1)
            } else {
                String::new()
            };
            let target = first_page + 2 * page;
            objects.push(format!("<< /Title ({title}) /Parent 5 0 R {next} /Dest [{target} 0 R /Fit] >>"));
        }
        objects.push(format!("<< {} >>", self.info));
        let info = objects.len();
        objects.push(format!(
            "<< /Filter /Standard /V 1 /R 2 /P -4 /O <{}> /U <{}> >>",
            "5a".repeat(32),
            "a5".repeat(32)
        ));
        let encrypt =
            if self.locked { format!("/Encrypt {} 0 R /ID [<00> <00>]", objects.len()) } else { String::new() };
        let mut out = b"%PDF-1.4\n".to_vec();
        let mut places = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            places.push(out.len());
            out.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
        }
        let table = out.len();
        out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
        for place in places {
            out.extend(format!("{place:010} 00000 n \n").bytes());
        }
        let size = objects.len() + 1;
        out.extend(
            format!("trailer\n<< /Size {size} /Root 1 0 R /Info {info} 0 R {encrypt} >>\nstartxref\n{table}\n%%EOF\n")
                .bytes(),
        );
        out
    }
}

fn stream(entries: &str, content: &str) -> String {
    format!("<< {entries} /Length {} >>\nstream\n{content}\nendstream", content.len())
}
