//! The table: what was measured, what the peer or the bar is, and their ratio.

/// What a row is held against.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// Not above this.
    AtMost(f64),
    /// Not below this.
    AtLeast(f64),
    /// Shown, not judged.
    Shown,
}

/// One figure.
pub struct Row {
    /// What is measured, and under what.
    pub what: String,
    /// The figure.
    pub measured: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Others on the same work, in the same run where they could run.
    pub peers: Vec<(String, f64)>,
    /// What it is held against.
    pub bar: Bar,
}

impl Row {
    /// Whether it keeps to its bar.
    pub fn passes(&self) -> bool {
        match self.bar {
            Bar::AtMost(bar) => self.measured <= bar,
            Bar::AtLeast(bar) => self.measured >= bar,
            Bar::Shown => true,
        }
    }
}

/// All figures of a run.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a row, and shows it at once: the later ones take a while.
    pub fn add(&mut self, row: Row) {
        println!("{}", line(&row));
        self.0.push(row);
    }

    /// The head, above the rows.
    pub fn head(&self) {
        println!("| what | measured | bar | measured ÷ bar | peers | |\n|---|---|---|---|---|---|");
    }

    /// Names of the rows below their bar.
    pub fn missed(&self) -> Vec<&str> {
        self.0.iter().filter(|row| !row.passes()).map(|row| row.what.as_str()).collect()
    }
}

fn line(row: &Row) -> String {
    let Row { what, measured, unit, peers, bar } = row;
    let (bar, ratio) = match bar {
        Bar::AtMost(bar) => (format!("≤ {}", figure(*bar, unit)), format!("{:.2}", measured / bar)),
        Bar::AtLeast(bar) => (format!("≥ {}", figure(*bar, unit)), format!("{:.2}", measured / bar)),
        Bar::Shown => ("–".to_owned(), "–".to_owned()),
    };
    let peers: Vec<String> =
        peers.iter().map(|(name, peer)| format!("{name} {} ({:.2} ×)", figure(*peer, unit), peer / measured)).collect();
    let verdict = match row.bar {
        Bar::Shown => "",
        _ if row.passes() => "pass",
        _ => "FAIL",
    };
    format!("| {what} | {} | {bar} | {ratio} | {} | {verdict} |", figure(*measured, unit), peers.join(", "))
}

fn figure(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}
