//! Load over time as a picture: devices that run, items that wait, and what went wrong when.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::report::Report;
use super::stats::Sample;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const PANEL: f64 = 140.0;
const GAP: f64 = 56.0;
/// Where the last panel ends.
const BOTTOM: f64 = TOP + 3.0 * PANEL + 2.0 * GAP;
/// Below it a row of ticks for each kind of trouble.
const ROW: f64 = 18.0;

/// Colours for light and for dark, as properties: whoever shows the file decides which.
const STYLE: &str = "\
svg{--ground:#fff;--ink:#1c2430;--faint:#d5dae1;--mute:#5a6573;--busy:#0b6e99;--alive:#9ab8c7;--bulk:#a8580b;--urgent:#7a3ea8;--mark:#b3261e}\
@media (prefers-color-scheme:dark){svg{--ground:#14181e;--ink:#e7ebf0;--faint:#323a45;--mute:#9aa5b3;--busy:#5cc3ef;--alive:#4a6a7a;--bulk:#f0a558;--urgent:#c79bf0;--mark:#ff8a80}}\
text{font:12px system-ui,sans-serif;fill:var(--ink);stroke:var(--ground);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}.title{font-size:15px;font-weight:600}.mute{fill:var(--mute)}\
.grid{stroke:var(--faint)}.axis{stroke:var(--mute)}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}\
.mark{stroke:var(--mark);stroke-width:1;opacity:.75}.through{stroke-dasharray:2 3}";

/// What a line shows.
struct Line {
    name: &'static str,
    colour: &'static str,
    of: fn(&Sample) -> u32,
}

const DEVICES: [Line; 2] = [
    Line { name: "devices that the leader reaches", colour: "--alive", of: |sample| sample.alive },
    Line { name: "devices that run a batch", colour: "--busy", of: |sample| sample.busy },
];
const BULK: [Line; 1] =
    [Line { name: "bulk items queued at the leader", colour: "--bulk", of: |sample| sample.waiting[1] }];
const INTERACTIVE: [Line; 1] =
    [Line { name: "interactive items queued there", colour: "--urgent", of: |sample| sample.waiting[0] }];

/// Draws a report's load as SVG, readable on light and on dark ground.
pub fn svg(report: &Report) -> String {
    let until_s = report.load.samples.last().map_or(1.0, |sample| sample.at_us as f64 / 1e6).max(1e-3);
    let mut out = String::with_capacity(64 << 10);
    let devices = if report.devices == 1 { "1 device".to_owned() } else { format!("{} devices", report.devices) };
    let title = format!("{}, seed {}: {devices}, {} events", report.scenario, report.seed, grouped(report.events));
    let troubles = troubles(report);
    let height = BOTTOM + 48.0 + ROW * (troubles.len() as f64 + 1.0);
    // Writing into a string can't fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\
         <style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\
         <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>"
    );
    // First, so that text stays readable above them.
    marks(&mut out, report, until_s, &troubles);
    panel(&mut out, report, until_s, TOP, "devices", &DEVICES);
    panel(&mut out, report, until_s, TOP + PANEL + GAP, "items", &BULK);
    panel(&mut out, report, until_s, TOP + 2.0 * (PANEL + GAP), "items", &INTERACTIVE);
    out.push_str("</svg>\n");
    out
}

fn x_of(at_s: f64, until_s: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * at_s / until_s
}

/// A round number of this size or a little more, for an axis to end at.
fn round_up(most: f64) -> f64 {
    let scale = 10_f64.powf(most.max(1.0).log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * scale).find(|&end| end >= most).unwrap_or(most)
}

/// A round time that goes into this one about six to twelve times.
fn step(until_s: f64) -> f64 {
    let scale = 10_f64.powf((until_s / 12.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * scale).find(|step| until_s / step <= 12.0).unwrap_or(until_s)
}

fn panel(out: &mut String, report: &Report, until_s: f64, top: f64, unit: &str, lines: &[Line]) {
    let most = lines.iter().flat_map(|line| report.load.samples.iter().map(line.of)).max().unwrap_or(0);
    let most = round_up(f64::from(most));
    let bottom = top + PANEL;
    // There are no halves of devices and items.
    let parts = [4, 3, 2].into_iter().find(|&parts| most % f64::from(parts) == 0.0).unwrap_or(1);
    for part in 0..=parts {
        let value = most * f64::from(part) / f64::from(parts);
        let y = bottom - PANEL * f64::from(part) / f64::from(parts);
        let class = if part == 0 { "axis" } else { "grid" };
        let _ = write!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"mute\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            short(value)
        );
    }
    let step_s = step(until_s);
    for tick in 0..=(until_s / step_s) as u32 {
        let at_s = f64::from(tick) * step_s;
        let _ = write!(
            out,
            "<text class=\"mute\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} s</text>",
            x_of(at_s, until_s),
            bottom + 18.0,
            short(at_s)
        );
    }
    let mut x = LEFT;
    for line in lines {
        let _ = write!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"3\" fill=\"var({})\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            top - 16.0,
            line.colour,
            x + 20.0,
            top - 11.0,
            line.name
        );
        x += 44.0 + 7.0 * line.name.len() as f64;
        let mut path = String::new();
        for sample in &report.load.samples {
            let y = bottom - PANEL * f64::from((line.of)(sample)) / most;
            let _ = write!(path, "{:.1},{y:.1} ", x_of(sample.at_us as f64 / 1e6, until_s));
        }
        let _ = write!(
            out,
            "<polyline class=\"line\" style=\"stroke:var({})\" points=\"{}\"/>",
            line.colour,
            path.trim_end()
        );
    }
    let _ = write!(
        out,
        "<text class=\"mute\" x=\"{LEFT}\" y=\"{:.1}\" text-anchor=\"end\" dx=\"-8\">{unit}</text>",
        top - 11.0
    );
}

/// Kinds of trouble other than the loss of leadership, and how often each came.
fn troubles(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut troubles = BTreeMap::new();
    for mark in report.load.marks.iter().filter(|mark| !mark.what.contains("leader")) {
        *troubles.entry(mark.what).or_default() += 1;
    }
    troubles
}

/// Dashed lines through all panels where leadership was lost and won; below, a row of ticks for each other trouble.
fn marks(out: &mut String, report: &Report, until_s: f64, troubles: &BTreeMap<&'static str, usize>) {
    let rows = BOTTOM + 40.0;
    let (mut lost, mut won) = (0, 0);
    for mark in &report.load.marks {
        let x = x_of(mark.at_us as f64 / 1e6, until_s);
        let (class, from, to) = match troubles.keys().position(|&what| what == mark.what) {
            Some(row) => ("mark", rows + ROW * row as f64, rows + ROW * row as f64 + 10.0),
            None => ("mark through", TOP, BOTTOM),
        };
        lost += u32::from(mark.what == "leader loss");
        won += u32::from(mark.what == "new leader");
        let _ = write!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.1}\" y2=\"{to:.1}\"><title>{} at {:.2} s</title></line>",
            mark.what,
            mark.at_us as f64 / 1e6
        );
    }
    for (row, (what, count)) in troubles.iter().enumerate() {
        let _ = write!(
            out,
            "<text class=\"mute\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{what} {count}</text>",
            LEFT - 8.0,
            rows + ROW * row as f64 + 9.0
        );
    }
    if lost + won > 0 {
        let _ = write!(
            out,
            "<text class=\"mute\" x=\"{LEFT}\" y=\"{:.1}\">dashed: leader loss {lost}, new leader {won}</text>",
            rows + ROW * troubles.len() as f64 + 12.0
        );
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn short(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => format!("{:.0} k", v / 1e3),
        v if v.fract() == 0.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
